// SPDX-License-Identifier: Apache-2.0
// Between the parts of an event and their messages; for event_codec.cc and codec_<family>.cc alone.
//
// Threads: pure functions.
#ifndef VAKT_COMMON_EVENT_CODEC_CODEC_PARTS_H_
#define VAKT_COMMON_EVENT_CODEC_CODEC_PARTS_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "common/event/event.h"
#include "vakt/v1/event.pb.h"

namespace vakt {

inline void Set(std::string_view bytes, std::string* out) {
  out->assign(bytes.data(), bytes.size());
}

void TaskToProto(const Task& task, v1::Task* out);
Task TaskFromProto(const v1::Task& in);
void FactsToProto(const ProcessFacts& facts, v1::ProcessFacts* out);
ProcessFacts FactsFromProto(const v1::ProcessFacts& in);
void FileToProto(const File& file, v1::File* out);
File FileFromProto(const v1::File& in);
PathStatus PathStatusFromProto(v1::File::PathStatus in);
// Nothing when none was captured. From: false when it is more than any record can hold.
void StackToProto(const UserStack& stack, v1::Event* out);
bool StackFromProto(const v1::Event& in, UserStack* out);
inline constexpr size_t kIpv4Bytes = 4;
inline constexpr size_t kIpv6Bytes = 16;
void EndpointToProto(const Endpoint& endpoint, bool ipv6, v1::Endpoint* out);
// False when it is not of that family, or no endpoint at all.
bool EndpointFromProto(const v1::Endpoint& in, bool ipv6, Endpoint* out);

// Per kind, the payload to and from its message: the field of v1::Event that has the kind's name.
// A row of events.def without them does not link. From: false when `in` holds a value that no event
// has; views point into `in` and `*storage`.
#define VAKT_EVENT(stem, id, lane, stack, text)                                          \
  using Message_##stem = std::decay_t<decltype(std::declval<const v1::Event>().stem())>; \
  void ToProto_##stem(const Event& event, Message_##stem* out);                          \
  bool FromProto_##stem(const Message_##stem& in, std::string* storage, Event* out);
#include "bpf/wire/events.def"
#undef VAKT_EVENT

}  // namespace vakt

#endif  // VAKT_COMMON_EVENT_CODEC_CODEC_PARTS_H_
