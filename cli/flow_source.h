// SPDX-License-Identifier: Apache-2.0
// Flow records of the collector, page by page, for the verbs of "flows". Threads: one at a time.
#ifndef VAKT_CLI_FLOW_SOURCE_H_
#define VAKT_CLI_FLOW_SOURCE_H_

#include <functional>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "cli/verbs.h"
#include "vakt/v1/flows_query.pb.h"

namespace vakt {

// What the flags of kFlowFlags (cli/verbs.cc) ask for; without --since the last `window`, if it is
// not infinite. InvalidArgument: a port or a class that is none.
absl::StatusOr<v1::FlowFilter> FlowFilterFromFlags(const Arguments& arguments, absl::Time now,
                                                   absl::Duration window);

// Calls `take` for each record that the request's filter matches, until it returns false.
absl::Status ForEachFlow(const Invocation& invocation, v1::ListFlowsRequest request,
                         const std::function<bool(const v1::StoredRecord&)>& take);

}  // namespace vakt

#endif  // VAKT_CLI_FLOW_SOURCE_H_
