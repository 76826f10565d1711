// SPDX-License-Identifier: Apache-2.0
// Wire records (bpf/wire/wire.h) to events. The bytes are untrusted: whatever they are, the outcome
// is an event whose views lie within the record, or a counted drop.
//
//   Decoder decoder(node.boot_to_wall_ns);
//   Event event;
//   if (decoder.Decode(record, &event)) enricher.Apply(event);
//
// One function per row of bpf/wire/events.def, named Decode_<stem>; a row without one does not
// link. Each family has its file: decode_process.cc,
// decode_call.cc, decode_file.cc, decode_network.cc.
//
// Ownership: owns the scratch that claimed paths are made in; views in an event are valid until the
// next Decode and as long as the record. No allocation once the scratch has grown.
// Threads: pipeline thread only.
#ifndef VAKT_AGENT_DECODE_DECODER_H_
#define VAKT_AGENT_DECODE_DECODER_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/types/span.h"
#include "common/event/event.h"
#include "common/event/kind.h"

namespace vakt {

// Why a record is not an event.
enum class DropReason : uint8_t {
  kTooShort,     // shorter than a header
  kUnknownKind,  // no row of events.def has this id
  kWrongSize,    // shorter than its kind's struct
  kBadSpan,      // a string outside the record
  kBadValue,     // a field that no probe writes so: lane, address family
};
inline constexpr size_t kDropReasonCount = 5;

std::string_view DropReasonName(DropReason reason);  // "too_short": the metric label

class WireRecord;  // agent/decode/wire_record.h

class Decoder {
 public:
  // `boot_to_wall_ns`: what to add to CLOCK_BOOTTIME to get CLOCK_REALTIME.
  explicit Decoder(int64_t boot_to_wall_ns);
  // From now on: the wall clock was set.
  void SetBootToWall(int64_t boot_to_wall_ns) { boot_to_wall_ns_ = boot_to_wall_ns; }

  // False: dropped and counted; `*out` is then undefined.
  bool Decode(absl::Span<const std::byte> record, Event* out);

  uint64_t dropped(DropReason reason) const { return dropped_[static_cast<size_t>(reason)]; }

 private:
#define VAKT_AGENT_EVENT(stem, id, lane, stack, text)
#define VAKT_EVENT(stem, id, lane, stack, text) void Decode_##stem(WireRecord& record, Event* out);
#include "bpf/wire/events.def"
#undef VAKT_EVENT
  void DecodeFileChange(Kind kind, WireRecord& record, Event* out);
  void DecodeSocket(Kind kind, WireRecord& record, Event* out);
  void Dispatch(Kind kind, WireRecord& record, Event* out);

  int64_t boot_to_wall_ns_;
  const EventTypeId clone_, procexit_, connect_, accept_;
  std::string scratch_;        // the event's path, when it is made here
  std::string other_scratch_;  // its other path
  std::array<uint64_t, kDropReasonCount> dropped_{};
};

}  // namespace vakt

#endif  // VAKT_AGENT_DECODE_DECODER_H_
