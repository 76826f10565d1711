// SPDX-License-Identifier: Apache-2.0
// Containers to and from their message (proto/vakt/v1/container.proto): what comes from the runtime
// or a recording, and what alerts carry. Threads: thread-safe.
#ifndef VAKT_COMMON_EVENT_CODEC_CONTAINER_CODEC_H_
#define VAKT_COMMON_EVENT_CODEC_CONTAINER_CODEC_H_

#include "common/event/container.h"
#include "vakt/v1/container.pb.h"

namespace vakt {

// Overwrites what the runtime says of `*out`: all but its id and what its processes tell.
void ContainerFromProto(const v1::Container& in, Container* out);

// Overwrites `*out`. What is not complete is partial.
void ContainerToProto(const Container& in, v1::Container* out);

}  // namespace vakt

#endif  // VAKT_COMMON_EVENT_CODEC_CONTAINER_CODEC_H_
