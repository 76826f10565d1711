// SPDX-License-Identifier: Apache-2.0
// vaktctl nodes, also with --watch
#include <grpcpp/client_context.h>

#include <algorithm>
#include <map>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>

#include "absl/time/clock.h"
#include "cli/connection.h"
#include "cli/json.h"
#include "cli/node_list.h"
#include "cli/stop_on_signal.h"
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

// One line for each node that comes, goes, or changes in what people look at: heartbeats change
// numbers all the time.
class ChangeLines {
 public:
  explicit ChangeLines(Console& console) : console_(console) {}

  void Take(const v1::WatchNodesResponse& response) {
    if (response.has_forgotten()) {
      const v1::ForgetNodeRequest& gone = response.forgotten();
      Print(gone.cluster(), gone.node(), "forgotten", Style::kFaint, "");
      seen_.erase({gone.cluster(), gone.node()});
    }
    if (!response.has_node()) return;
    const v1::Node& node = response.node();
    std::string conditions;
    for (const v1::OpenCondition& condition : node.conditions()) {
      conditions += StrCat(conditions.empty() ? "" : ", ", EscapeUtf8(condition.name()));
    }
    const std::string state = StrCat(node.connected(), conditions, node.hello().agent_version(),
                                     node.hello().rule_set_hash(), FailedProbes(node));
    std::string& seen = seen_[{node.cluster(), node.node()}];
    if (std::exchange(seen, state) == state) return;
    Print(node.cluster(), node.node(), node.connected() ? "connected" : "not connected",
          node.connected() ? Style::kGreen : Style::kRed, conditions);
  }

 private:
  void Print(const std::string& cluster, const std::string& node, std::string_view state,
             Style style, const std::string& conditions) {
    console_.Line(StrCat(absl::FormatTime("%H:%M:%S", absl::Now(), absl::LocalTimeZone()), "  ",
                         EscapeUtf8(cluster), "/", console_.Styled(Style::kBold, EscapeUtf8(node)),
                         "  ", console_.Styled(style, state), conditions.empty() ? "" : "  ",
                         console_.Styled(Style::kRed, conditions)));
  }

  Console& console_;
  std::map<std::pair<std::string, std::string>, std::string> seen_;
};

VerbResult WatchNodes(const Invocation& invocation) {
  // Before the channel: its threads must inherit the signal mask.
  const StopOnSignal stop(invocation.arguments.Duration("--timeout", absl::InfiniteDuration()));
  VAKT_ASSIGN_OR_RETURN(const Connection collector, Connection::ToCollector(invocation));
  VAKT_ASSIGN_OR_RETURN(const auto channel, collector.Dial());
  const auto stub = v1::Fleet::NewStub(channel);
  grpc::ClientContext context;
  const std::stop_callback cancel(stop.token(), [&context] { context.TryCancel(); });
  const auto reader = stub->WatchNodes(&context, {});
  ChangeLines lines(invocation.console);
  v1::WatchNodesResponse response;
  absl::Status written;
  while (reader->Read(&response)) {
    if (invocation.json()) {
      invocation.console.Line(ProtoJson(response));
    } else {
      lines.Take(response);
    }
    written = invocation.console.Flush();
    if (!written.ok()) context.TryCancel();
  }
  const grpc::Status status = reader->Finish();
  VAKT_RETURN_IF_ERROR(written);
  if (!stop.token().stop_requested()) return collector.Failure(status);
  return kSuccess;
}

}  // namespace

VerbResult Nodes(const Invocation& invocation) {
  if (invocation.arguments.Has("--watch")) return WatchNodes(invocation);
  if (invocation.arguments.Has("--timeout")) {
    return absl::InvalidArgumentError("--timeout goes with --watch");
  }
  VAKT_ASSIGN_OR_RETURN(const Connection collector, Connection::ToCollector(invocation));
  VAKT_ASSIGN_OR_RETURN(const auto channel, collector.Dial());
  VAKT_ASSIGN_OR_RETURN(const v1::ListNodesResponse response, ListAllNodes(collector, channel));
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
