// SPDX-License-Identifier: Apache-2.0
// Where the pipeline's records come from: the kernel's rings, or a test.
//
// Ownership: the source owns the bytes it hands out; they are valid until the next call of Next.
// Threads: pipeline thread only, but for Wake.
#ifndef VAKT_AGENT_SENSOR_EVENT_SOURCE_H_
#define VAKT_AGENT_SENSOR_EVENT_SOURCE_H_

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/span.h"
#include "common/event/kind.h"

namespace vakt {

using RawRecord = absl::Span<const std::byte>;

// Why records are lost: "ring_full", "scratch_busy", "table_full", indexed by VAKT_LOST_*.
absl::Span<const std::string_view> LossReasons();

// Records that a hook produced and that did not arrive: an exact count.
struct Loss {
  Kind kind = Kind::none;
  Lane lane = Lane::CRITICAL;
  uint32_t cpu = 0;
  std::string_view reason;  // one of LossReasons()
  uint64_t count = 0;
  uint64_t total = 0;         // with what was told before of this counter
  int64_t begin_boot_ns = 0;  // the loss lies between these two looks at the counters
  int64_t end_boot_ns = 0;
};

class EventSource {
 public:
  virtual ~EventSource() = default;

  // Waits at most `timeout` for records and hands out those present, oldest first. Empty when the
  // time is over or Wake was called. Frees what the previous call handed out.
  virtual absl::Span<const RawRecord> Next(absl::Duration timeout) = 0;

  // Appends the losses found since the last call.
  virtual void TakeLosses(std::vector<Loss>* losses) = 0;

  // Makes a waiting Next return. Thread-safe and async-signal-safe.
  virtual void Wake() = 0;
};

}  // namespace vakt

#endif  // VAKT_AGENT_SENSOR_EVENT_SOURCE_H_
