// SPDX-License-Identifier: Apache-2.0
// vaktctl flows egress: what each workload reaches outside of itself, since when, and what of that
// is new, or over.
#include <algorithm>
#include <map>
#include <string>
#include <tuple>

#include "absl/time/clock.h"
#include "cli/flow_source.h"
#include "cli/flow_text.h"
#include "cli/json.h"
#include "cli/text_table.h"
#include "cli/time_text.h"
#include "cli/verbs.h"
#include "common/alert/alert_time.h"
#include "common/base/status.h"
#include "common/base/strings.h"

namespace vakt {
namespace {

constexpr absl::Duration kWindow = absl::Hours(7 * 24);

// Pods come and go: what made them stays.
std::string StandingWorkload(const v1::StoredRecord& stored) {
  const v1::Pod& pod = stored.record().flow().container().pod();
  if (pod.workload_name().empty()) return WorkloadText(stored);
  return StrCat(pod.namespace_(), "/", pod.workload_name());
}

struct Reach {
  absl::Time first = absl::InfiniteFuture();  // that is stored of the time asked for
  absl::Time last = absl::InfinitePast();
  uint64_t connections = 0;
  uint64_t bytes_out = 0;
  uint64_t bytes_in = 0;
  std::string remote_class;
};

// Workload, program, remote side, service.
using Way = std::tuple<std::string, std::string, std::string, std::string>;

bool IsEgress(const v1::Flow& flow) {
  return flow.direction() == v1::Flow::DIRECTION_OUT && flow.class_() != v1::Flow::CLASS_LOOPBACK &&
         flow.class_() != v1::Flow::CLASS_SAME_POD;
}

void Add(const v1::Flow& flow, Reach* reach) {
  reach->first = std::min(reach->first, FromTimestamp(flow.begin()));
  reach->last = std::max(reach->last, FromTimestamp(flow.end()));
  reach->connections += flow.connections();
  reach->bytes_out += flow.bytes_out();
  reach->bytes_in += flow.bytes_in();
  reach->remote_class = ClassText(flow);
}

std::string JsonOf(const Way& way, const Reach& reach) {
  const auto& [workload, program, remote, service] = way;
  JsonObject object;
  object.Add("workload", workload).Add("program", program).Add("remote", remote);
  object.Add("service", service).Add("class", reach.remote_class);
  object.Add("first", Rfc3339(ToTimestamp(reach.first)));
  object.Add("last", Rfc3339(ToTimestamp(reach.last)));
  object.Add("connections", reach.connections).Add("bytes_out", reach.bytes_out);
  return object.Add("bytes_in", reach.bytes_in).Text();
}

}  // namespace

VerbResult FlowsEgress(const Invocation& invocation) {
  const absl::Time now = absl::Now();
  v1::ListFlowsRequest request;
  VAKT_ASSIGN_OR_RETURN(*request.mutable_filter(),
                        FlowFilterFromFlags(invocation.arguments, now, kWindow));
  const absl::Time new_since =
      invocation.arguments.Moment("--new-since", now, absl::InfinitePast());
  const absl::Time gone_since =
      invocation.arguments.Moment("--gone-since", now, absl::InfiniteFuture());
  std::map<Way, Reach> reached;
  VAKT_RETURN_IF_ERROR(ForEachFlow(invocation, request, [&](const v1::StoredRecord& stored) {
    const v1::Flow& flow = stored.record().flow();
    if (!IsEgress(flow)) return true;
    Add(flow, &reached[{StandingWorkload(stored), ProgramText(flow), RemoteText(flow),
                        ServiceText(flow)}]);
    return true;
  }));
  TextTable table({"WORKLOAD", "PROGRAM", "REMOTE", "SERVICE", "CLASS", "FIRST", "LAST",
                   "CONNECTIONS", "OUT", "IN"});
  for (const auto& [way, reach] : reached) {
    if (reach.first < new_since || reach.last >= gone_since) continue;
    if (invocation.json()) {
      invocation.console.Line(JsonOf(way, reach));
      continue;
    }
    const auto& [workload, program, remote, service] = way;
    table.AddRow(
        {{workload, Style::kBold},
         {program},
         {remote},
         {service},
         {reach.remote_class, reach.remote_class == "external" ? Style::kYellow : Style::kPlain},
         {TimestampText(ToTimestamp(reach.first))},
         {TimestampText(ToTimestamp(reach.last))},
         {StrCat(reach.connections)},
         {BytesText(reach.bytes_out)},
         {BytesText(reach.bytes_in)}});
  }
  if (!table.empty()) table.Print(invocation.console);
  return kSuccess;
}

}  // namespace vakt
