// SPDX-License-Identifier: Apache-2.0
// Events to and from their message (proto/vakt/v1/event.proto): the evidence in alerts, and what a
// recording holds. Lossless but for what a replay finds out anew: `num`, `wall_ns` (from the node's
// clock offset), `process` and `node`.
//
// Threads: thread-safe.
#ifndef VAKT_COMMON_EVENT_CODEC_EVENT_CODEC_H_
#define VAKT_COMMON_EVENT_CODEC_EVENT_CODEC_H_

#include <string>

#include "common/event/event.h"
#include "vakt/v1/event.pb.h"

namespace vakt {

// Overwrites `*out`.
void EventToProto(const Event& event, v1::Event* out);

// Overwrites `*out`. Its views point into `in` and `*argv_storage`, both to be kept while the event
// is used. False when `in` is of no known kind or holds a value that no event has: `*out` is then
// undefined. An argv without its last terminator comes back with one.
bool EventFromProto(const v1::Event& in, std::string* argv_storage, Event* out);

}  // namespace vakt

#endif  // VAKT_COMMON_EVENT_CODEC_EVENT_CODEC_H_
