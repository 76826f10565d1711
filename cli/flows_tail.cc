// SPDX-License-Identifier: Apache-2.0
// vaktctl flows tail
#include <utility>

#include "absl/time/clock.h"
#include "cli/flow_source.h"
#include "cli/flow_text.h"
#include "cli/record_tail.h"
#include "cli/verbs.h"
#include "common/base/status.h"

namespace vakt {

VerbResult FlowsTail(const Invocation& invocation) {
  VAKT_ASSIGN_OR_RETURN(v1::FlowFilter flows, FlowFilterFromFlags(invocation.arguments, absl::Now(),
                                                                  absl::InfiniteDuration()));
  v1::Filter filter;
  filter.set_without_alerts(true);
  // Times and nodes are those of all that is subscribed to.
  if (flows.has_since()) *filter.mutable_since() = std::move(*flows.mutable_since());
  filter.mutable_nodes()->Swap(flows.mutable_nodes());
  flows.clear_since();
  *filter.mutable_flows() = std::move(flows);
  return TailRecords(invocation, std::move(filter), [&](const v1::StoredRecord& stored) {
    return invocation.json() ? FlowJson(stored) : FlowLine(stored, invocation.console);
  });
}

}  // namespace vakt
