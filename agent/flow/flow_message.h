// SPDX-License-Identifier: Apache-2.0
// A flow record as the message that is delivered. Threads: pure function.
#ifndef VAKT_AGENT_FLOW_FLOW_MESSAGE_H_
#define VAKT_AGENT_FLOW_FLOW_MESSAGE_H_

#include <cstdint>

#include "absl/types/span.h"
#include "agent/flow/address_classes.h"
#include "agent/flow/flow_table.h"
#include "common/base/shared_string.h"
#include "vakt/v1/flow.pb.h"

namespace vakt {

// Overwrites `*out`. `boot_to_wall_ns`: the wall clock's offset from the boot clock.
// `names` are those of the remote side, as name servers told them.
void FlowToProto(const FlowRecord& record, const AddressClasses& classes,
                 absl::Span<const SharedString> names, int64_t boot_to_wall_ns, v1::Flow* out);

}  // namespace vakt

#endif  // VAKT_AGENT_FLOW_FLOW_MESSAGE_H_
