// SPDX-License-Identifier: Apache-2.0
// vaktctl nodes
#include <grpcpp/client_context.h>

#include <algorithm>
#include <string>

#include "absl/time/clock.h"
#include "cli/connection.h"
#include "cli/json.h"
#include "cli/text_table.h"
#include "cli/time_text.h"
#include "cli/verbs.h"
#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/base/text.h"
#include "vakt/v1/fleet.grpc.pb.h"

namespace vakt {
namespace {

constexpr size_t kHashDigits = 12;  // enough to tell rule sets apart

int FailedProbes(const v1::Node& node) {
  int failed = 0;
  for (const v1::ProbeStatus& probe : node.hello().probes()) failed += probe.state() == "failed";
  return failed;
}

// "node_silent 5m, node_clock_off 2h": what, and for how long.
std::string Conditions(const v1::Node& node, absl::Time now) {
  std::string out;
  for (const v1::OpenCondition& condition : node.conditions()) {
    const absl::Duration age =
        std::max(absl::ZeroDuration(), now - FromTimestamp(condition.opened()));
    out += StrCat(out.empty() ? "" : ", ", EscapeUtf8(condition.name()), " ", RoughSpan(age));
  }
  return out;
}

void PrintForPeople(const v1::ListNodesResponse& response, absl::Time now, Console& console) {
  TextTable table({"NODE", "CLUSTER", "STATE", "CONDITIONS", "LAST SEEN", "AGENT", "KERNEL",
                   "RULES", "RULE SET", "FAILED PROBES", "SPOOLED", "ALERTS", "GAPS"});
  for (const v1::Node& node : response.nodes()) {
    const int failed = FailedProbes(node);
    const absl::Duration age =
        std::max(absl::ZeroDuration(), now - FromTimestamp(node.last_seen()));
    table.AddRow({{node.node(), Style::kBold},
                  {node.cluster()},
                  node.connected() ? TextTable::Cell{"connected", Style::kGreen}
                                   : TextTable::Cell{"not connected", Style::kRed},
                  {node.conditions().empty() ? "-" : Conditions(node, now),
                   node.conditions().empty() ? Style::kPlain : Style::kRed},
                  {StrCat(RoughSpan(age), " ago")},
                  {node.hello().agent_version()},
                  {node.hello().kernel_release()},
                  {StrCat(node.hello().rules())},
                  {node.hello().rule_set_hash().substr(0, kHashDigits)},
                  {StrCat(failed), failed > 0 ? Style::kRed : Style::kPlain},
                  {StrCat(node.heartbeat().spooled_records())},
                  {StrCat(node.alerts())},
                  {StrCat(node.gaps()), node.gaps() > 0 ? Style::kYellow : Style::kPlain}});
  }
  table.Print(console);
}

}  // namespace

VerbResult Nodes(const Invocation& invocation) {
  VAKT_ASSIGN_OR_RETURN(const Connection collector, Connection::ToCollector(invocation));
  VAKT_ASSIGN_OR_RETURN(const auto channel, collector.Dial());
  const auto stub = v1::Fleet::NewStub(channel);
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + kCallTimeout));
  v1::ListNodesResponse response;
  const grpc::Status status = stub->ListNodes(&context, {}, &response);
  if (!status.ok()) return collector.Failure(status);
  if (invocation.json()) {
    invocation.console.Line(ProtoJson(response));
  } else if (response.nodes().empty()) {
    invocation.console.Note(StrCat(collector.peer(), " has not seen any node yet"));
  } else {
    PrintForPeople(response, absl::Now(), invocation.console);
  }
  return kSuccess;
}

}  // namespace vakt
