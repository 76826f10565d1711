// SPDX-License-Identifier: Apache-2.0
// One wire record while it is being read; for the decoders alone.
//
// Ownership: views into the record's bytes, which the caller keeps. Threads: thread-compatible.
#ifndef VAKT_AGENT_DECODE_WIRE_RECORD_H_
#define VAKT_AGENT_DECODE_WIRE_RECORD_H_

#include <cstddef>
#include <cstring>
#include <optional>
#include <string_view>
#include <type_traits>

#include "absl/types/span.h"
#include "agent/decode/decoder.h"
#include "bpf/wire/wire.h"

namespace vakt {

// Checks each access and remembers the first thing that is wrong. After that everything it returns
// is empty, so that a decoder reads like a form and asks once, at the end.
class WireRecord {
 public:
  explicit WireRecord(absl::Span<const std::byte> bytes)
      : bytes_(reinterpret_cast<const char*>(bytes.data()), bytes.size()) {}

  const std::optional<DropReason>& failure() const { return failure_; }
  void Fail(DropReason reason) {
    if (!failure_) failure_ = reason;
  }

  // The record's struct; all zero when the record is too short for it. Copied, because nothing says
  // that a record is aligned. The strings are expected behind it.
  template <typename Wire>
  Wire Read() {
    static_assert(std::is_trivially_copyable_v<Wire>);
    Wire wire{};
    fixed_size_ = sizeof(Wire);
    if (bytes_.size() < sizeof(Wire)) {
      Fail(DropReason::kWrongSize);
    } else {
      std::memcpy(&wire, bytes_.data(), sizeof(Wire));
    }
    return wire;
  }

  // The string of a span; it must lie behind the struct and within the record.
  std::string_view String(const vakt_span& span) {
    if (span.size == 0 || failure_) return {};
    if (span.offset < fixed_size_ || size_t{span.offset} + span.size > bytes_.size()) {
      Fail(DropReason::kBadSpan);
      return {};
    }
    return bytes_.substr(span.offset, span.size);
  }

  // A command name, `offset` bytes into the struct.
  std::string_view Comm(size_t offset) {
    if (failure_) return {};
    const std::string_view comm = bytes_.substr(offset, VAKT_COMM_SIZE);
    return comm.substr(0, comm.find('\0'));
  }

 private:
  const std::string_view bytes_;
  size_t fixed_size_ = 0;
  std::optional<DropReason> failure_;
};

}  // namespace vakt

#endif  // VAKT_AGENT_DECODE_WIRE_RECORD_H_
