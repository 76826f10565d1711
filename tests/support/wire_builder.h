// SPDX-License-Identifier: Apache-2.0
// Makes wire records (bpf/wire/wire.h) as the probes do: a struct, then a tail of strings.
//
//   WireBuilder<vakt_file_open> record(Kind::file_open);
//   record->result = 3;
//   record.Put(&record->file.path, "/etc/passwd");
//   decoder.Decode(record.Bytes(), &event);
#ifndef VAKT_TESTS_SUPPORT_WIRE_BUILDER_H_
#define VAKT_TESTS_SUPPORT_WIRE_BUILDER_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "absl/types/span.h"
#include "bpf/wire/wire.h"
#include "common/event/kind.h"

namespace vakt {

// Of a main thread: its name is the process's.
inline void SetComm(std::string_view comm, vakt_task* task) {
  for (char(*field)[VAKT_COMM_SIZE] : {&task->comm, &task->process_comm}) {
    std::memset(*field, 0, sizeof(*field));
    std::memcpy(*field, comm.data(), std::min(comm.size(), sizeof(*field)));
  }
}

template <typename Wire>
class WireBuilder {
 public:
  explicit WireBuilder(Kind kind) {
    wire_.header.kind = static_cast<uint16_t>(kind);
    wire_.header.lane = static_cast<uint8_t>(FindKind(wire_.header.kind)->lane);
    wire_.header.abi = VAKT_ABI_X86_64;
  }

  Wire* operator->() { return &wire_; }

  // Appends to the tail and points `span`, a member of the struct, at it.
  void Put(vakt_span* span, std::string_view text) {
    span->offset = static_cast<uint16_t>(sizeof(Wire) + tail_.size());
    span->size = static_cast<uint16_t>(text.size());
    tail_.append(text);
  }

  // Valid until the next call.
  absl::Span<const std::byte> Bytes() {
    bytes_.resize(sizeof(Wire) + tail_.size());
    std::memcpy(bytes_.data(), &wire_, sizeof(Wire));
    std::memcpy(bytes_.data() + sizeof(Wire), tail_.data(), tail_.size());
    return bytes_;
  }

 private:
  Wire wire_{};
  std::string tail_;
  std::vector<std::byte> bytes_;
};

}  // namespace vakt

#endif  // VAKT_TESTS_SUPPORT_WIRE_BUILDER_H_
