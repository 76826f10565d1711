// SPDX-License-Identifier: Apache-2.0
#include "agent/decode/decoder.h"

#include <cstring>

#include "agent/decode/decode_parts.h"
#include "bpf/wire/wire.h"

namespace vakt {
namespace {

Abi DecodeAbi(uint8_t abi) {
  return abi <= VAKT_ABI_IO_URING ? static_cast<Abi>(abi) : Abi::kUnknown;
}

}  // namespace

std::string_view DropReasonName(DropReason reason) {
  switch (reason) {
    case DropReason::kTooShort:
      return "too_short";
    case DropReason::kUnknownKind:
      return "unknown_kind";
    case DropReason::kWrongSize:
      return "wrong_size";
    case DropReason::kBadSpan:
      return "bad_span";
    case DropReason::kBadValue:
      return "bad_value";
  }
  return "unknown";
}

Decoder::Decoder(int64_t boot_to_wall_ns)
    : boot_to_wall_ns_(boot_to_wall_ns),
      clone_(FindEventType("clone")->id),
      procexit_(FindEventType("procexit")->id),
      connect_(FindEventType("connect")->id),
      accept_(FindEventType("accept")->id) {
  scratch_.reserve(2 * VAKT_PATH_MAX + 1);
  other_scratch_.reserve(2 * VAKT_PATH_MAX + 1);
}

bool Decoder::Decode(absl::Span<const std::byte> bytes, Event* out) {
  vakt_header header;
  if (bytes.size() < sizeof(header)) {
    ++dropped_[static_cast<size_t>(DropReason::kTooShort)];
    return false;
  }
  std::memcpy(&header, bytes.data(), sizeof(header));

  Reset(out);
  out->kind = FindKind(header.kind) == nullptr ? Kind::none : static_cast<Kind>(header.kind);
  out->abi = DecodeAbi(header.abi);
  out->lane = static_cast<Lane>(header.lane);
  out->cpu = header.cpu;
  out->seq = header.seq;
  out->boot_ns = header.boot_ns;
  out->wall_ns = static_cast<int64_t>(header.boot_ns + static_cast<uint64_t>(boot_to_wall_ns_));

  WireRecord record(bytes);
  if (header.lane >= VAKT_LANES) record.Fail(DropReason::kBadValue);
  Dispatch(out->kind, record, out);
  if (record.failure()) {
    ++dropped_[static_cast<size_t>(*record.failure())];
    return false;
  }
  return true;
}

void Decoder::Dispatch(Kind kind, WireRecord& record, Event* out) {
  switch (kind) {
    case Kind::none:
      return record.Fail(DropReason::kUnknownKind);
#define VAKT_AGENT_EVENT(stem, id, lane, stack, text) \
  case Kind::stem:                                    \
    return record.Fail(DropReason::kUnknownKind);
#define VAKT_EVENT(stem, id, lane, stack, text) \
  case Kind::stem:                              \
    return Decode_##stem(record, out);
#include "bpf/wire/events.def"
#undef VAKT_EVENT
  }
}

}  // namespace vakt
