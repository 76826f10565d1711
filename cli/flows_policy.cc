// SPDX-License-Identifier: Apache-2.0
// vaktctl flows policy: a NetworkPolicy for each workload, from what was seen.
#include <string>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "cli/flow_source.h"
#include "cli/pod_directory.h"
#include "cli/policy_draft.h"
#include "cli/policy_text.h"
#include "cli/time_text.h"
#include "cli/verbs.h"
#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/base/text.h"

namespace vakt {
namespace {

constexpr absl::Duration kWindow = absl::Hours(7 * 24);

ExternalAs ExternalFrom(const std::string& word) {
  return word == "any"    ? ExternalAs::kAny
         : word == "cidr" ? ExternalAs::kBlock
                          : ExternalAs::kAddress;
}

}  // namespace

VerbResult FlowsPolicy(const Invocation& invocation) {
  const Arguments& arguments = invocation.arguments;
  const absl::Time now = absl::Now();
  PolicyOrigin origin = {.since = arguments.Moment("--since", now, now - kWindow),
                         .until = arguments.Moment("--until", now, now),
                         .external_as = arguments.Text("--external-as", "address")};
  // Of all namespaces: peers are known by records of their own.
  v1::ListFlowsRequest request;
  *request.mutable_filter()->mutable_since() = ToTimestamp(origin.since);
  *request.mutable_filter()->mutable_until() = ToTimestamp(origin.until);
  request.set_oldest_first(true);
  // Twice: who had an address is known when all have been seen, and there are too many to keep.
  PodDirectory pods;
  VAKT_RETURN_IF_ERROR(ForEachFlow(invocation, request, [&](const v1::StoredRecord& stored) {
    ++origin.records;
    pods.Learn(stored);
    return true;
  }));
  pods.Finish();
  PolicyDrafts drafts(&pods, {.external = ExternalFrom(origin.external_as),
                              .namespaces = arguments.Texts("--namespace"),
                              .workloads = arguments.Texts("--workload")});
  VAKT_RETURN_IF_ERROR(ForEachFlow(invocation, request, [&](const v1::StoredRecord& stored) {
    drafts.Add(stored);
    return true;
  }));
  const std::vector<PolicyDraft> made = drafts.Take();
  if (made.empty()) {
    return absl::NotFoundError(
        StrCat("none of the ", origin.records, " flow records of that time is of such a workload"));
  }
  invocation.console.Write(invocation.json() ? PoliciesJson(origin, made) + "\n"
                                             : PoliciesYaml(origin, made));
  if (!invocation.json()) return kSuccess;
  for (const PolicyDraft& draft : made) {
    if (draft.has_policy || draft.notes.empty()) continue;
    invocation.console.Note(StrCat("no policy for ", EscapeUtf8(draft.workload.key.name_space), "/",
                                   EscapeUtf8(draft.workload.key.name), ": ", draft.notes.front()));
  }
  return kSuccess;
}

}  // namespace vakt
