// SPDX-License-Identifier: Apache-2.0
// A flow with its process, as it is delivered and as alerts carry it (proto/vakt/v1/flow.proto).
// Threads: thread-safe.
#ifndef VAKT_COMMON_EVENT_CODEC_FLOW_CODEC_H_
#define VAKT_COMMON_EVENT_CODEC_FLOW_CODEC_H_

#include "common/event/event.h"
#include "vakt/v1/flow.pb.h"

namespace vakt {

// Of a network_flow with its process. Overwrites `*out`.
void FlowToProto(const Event& event, v1::Flow* out);

// All but the process, which an event has elsewhere. Overwrites `*out`.
void FlowFactsToProto(const FlowReport& flow, v1::Flow* out);

}  // namespace vakt

#endif  // VAKT_COMMON_EVENT_CODEC_FLOW_CODEC_H_
