// SPDX-License-Identifier: Apache-2.0
// vaktctl flows graph: who talks to whom, as a graph in the language DOT (dot -Tsvg draws it).
#include <map>
#include <string>
#include <tuple>

#include "absl/time/clock.h"
#include "cli/flow_source.h"
#include "cli/flow_text.h"
#include "cli/verbs.h"
#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/base/text.h"

namespace vakt {
namespace {

constexpr absl::Duration kWindow = absl::Hours(1);

// A string of DOT: text that anybody may have chosen.
std::string Quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : EscapeUtf8(text)) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

struct Edge {
  uint64_t connections = 0;
  uint64_t bytes = 0;
  bool external = false;
};

// From the side that opened the connections to the other, and the service.
using Ends = std::tuple<std::string, std::string, std::string>;

Ends EndsOf(const v1::StoredRecord& stored) {
  const v1::Flow& flow = stored.record().flow();
  std::string here = WorkloadText(stored), there = RemoteText(flow);
  if (there.empty()) there.push_back('?');
  if (flow.direction() == v1::Flow::DIRECTION_IN) return {there, here, ServiceText(flow)};
  return {here, there, ServiceText(flow)};
}

}  // namespace

VerbResult FlowsGraph(const Invocation& invocation) {
  v1::ListFlowsRequest request;
  VAKT_ASSIGN_OR_RETURN(*request.mutable_filter(),
                        FlowFilterFromFlags(invocation.arguments, absl::Now(), kWindow));
  std::map<Ends, Edge> edges;
  VAKT_RETURN_IF_ERROR(ForEachFlow(invocation, request, [&](const v1::StoredRecord& stored) {
    const v1::Flow& flow = stored.record().flow();
    if (flow.direction() == v1::Flow::DIRECTION_LISTEN) return true;
    Edge& edge = edges[EndsOf(stored)];
    edge.connections += flow.connections();
    edge.bytes += flow.bytes_out() + flow.bytes_in();
    edge.external |= flow.class_() == v1::Flow::CLASS_EXTERNAL;
    return true;
  }));
  Console& console = invocation.console;
  console.Line("digraph flows {\n  rankdir=LR;\n  node [shape=box];");
  for (const auto& [ends, edge] : edges) {
    const auto& [from, to, service] = ends;
    const std::string label = StrCat(service, "\\n", edge.connections, ", ", BytesText(edge.bytes));
    console.Line(StrCat("  ", Quoted(from), " -> ", Quoted(to), " [label=\"", label, "\"",
                        edge.external ? ", color=red" : "", "];"));
  }
  console.Line("}");
  return kSuccess;
}

}  // namespace vakt
