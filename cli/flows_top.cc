// SPDX-License-Identifier: Apache-2.0
// vaktctl flows top: who said most, added up over a time.
#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "cli/flow_source.h"
#include "cli/flow_text.h"
#include "cli/json.h"
#include "cli/text_table.h"
#include "cli/verbs.h"
#include "common/base/status.h"
#include "common/base/strings.h"

namespace vakt {
namespace {

constexpr absl::Duration kWindow = absl::Hours(1);
constexpr uint64_t kRows = 20;

struct Sum {
  uint64_t connections = 0;
  uint64_t failed = 0;
  uint64_t bytes_out = 0;
  uint64_t bytes_in = 0;
  uint64_t records = 0;
  uint64_t bytes() const { return bytes_out + bytes_in; }
};

std::string GroupOf(std::string_view by, const v1::StoredRecord& stored) {
  const v1::Flow& flow = stored.record().flow();
  if (by == "pod") return WorkloadText(stored);
  if (by == "remote") return StrCat(RemoteText(flow), " ", ServiceText(flow));
  // Where no database tells it: the class.
  if (by == "country") return flow.country().empty() ? ClassText(flow) : flow.country();
  if (by == "asn") {
    return flow.as_number() == 0 ? ClassText(flow) : StrCat("AS", flow.as_number());
  }
  return StrCat(WorkloadText(stored), " ", ProgramText(flow));
}

void Add(const v1::Flow& flow, Sum* sum) {
  sum->connections += flow.connections();
  sum->failed += flow.refused() + flow.timed_out();
  sum->bytes_out += flow.bytes_out();
  sum->bytes_in += flow.bytes_in();
  ++sum->records;
}

void Print(const std::vector<std::pair<std::string, Sum>>& rows, std::string_view by,
           const Invocation& invocation) {
  TextTable table({by == "pod"       ? "WORKLOAD"
                   : by == "remote"  ? "REMOTE"
                   : by == "country" ? "COUNTRY"
                   : by == "asn"     ? "NETWORK"
                                     : "WORKLOAD AND PROGRAM",
                   "CONNECTIONS", "FAILED", "OUT", "IN"});
  for (const auto& [name, sum] : rows) {
    if (invocation.json()) {
      JsonObject object;
      object.Add(by, name).Add("connections", sum.connections).Add("failed", sum.failed);
      object.Add("bytes_out", sum.bytes_out).Add("bytes_in", sum.bytes_in);
      invocation.console.Line(object.Add("records", sum.records).Text());
    } else {
      table.AddRow({{name, Style::kBold},
                    {StrCat(sum.connections)},
                    {StrCat(sum.failed), sum.failed > 0 ? Style::kYellow : Style::kPlain},
                    {BytesText(sum.bytes_out)},
                    {BytesText(sum.bytes_in)}});
    }
  }
  if (!table.empty()) table.Print(invocation.console);
}

}  // namespace

VerbResult FlowsTop(const Invocation& invocation) {
  v1::ListFlowsRequest request;
  VAKT_ASSIGN_OR_RETURN(*request.mutable_filter(),
                        FlowFilterFromFlags(invocation.arguments, absl::Now(), kWindow));
  const std::string by = invocation.arguments.Text("--by", "process");
  std::map<std::string, Sum> sums;
  VAKT_RETURN_IF_ERROR(ForEachFlow(invocation, request, [&](const v1::StoredRecord& stored) {
    const v1::Flow& flow = stored.record().flow();
    if (flow.direction() != v1::Flow::DIRECTION_LISTEN) Add(flow, &sums[GroupOf(by, stored)]);
    return true;
  }));
  std::vector<std::pair<std::string, Sum>> rows(sums.begin(), sums.end());
  std::stable_sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) {
    return std::pair(a.second.bytes(), a.second.connections) >
           std::pair(b.second.bytes(), b.second.connections);
  });
  rows.resize(std::min<size_t>(rows.size(), invocation.arguments.Count("--limit", kRows)));
  Print(rows, by, invocation);
  return kSuccess;
}

}  // namespace vakt
