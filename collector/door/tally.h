// SPDX-License-Identifier: Apache-2.0
// What of a connection's bytes belongs to calls and their messages. The rest is what HTTP/2 allows
// without end and no program of ours sends: headers, pings, settings, empty frames, streams opened
// and reset. So the kernel's count of what came is held against this one.
//
// Threads: thread-safe.
#ifndef VAKT_COLLECTOR_DOOR_TALLY_H_
#define VAKT_COLLECTOR_DOOR_TALLY_H_

#include <atomic>
#include <cstdint>

#include "absl/time/time.h"

namespace vakt {

class Tally {
 public:
  // Its headers are smaller (GRPC_ARG_MAX_METADATA_SIZE).
  void AddCall() { Add(kCallBytes); }
  // `bytes`: encoded. What frames and TLS put around it is allowed for.
  void AddMessage(uint64_t bytes) { Add(bytes + bytes / 16 + kMessageBytes); }
  // One whose size is not known: of a user, who makes few.
  void AddSmallMessage() { Add(kSmallMessageBytes); }

  // Whether `received` bytes are more than calls, messages and what may be on its way account for.
  bool IsExceeded(uint64_t received, absl::Duration age) const {
    const auto upkeep = static_cast<uint64_t>(absl::ToDoubleSeconds(age) * kUpkeepBytesPerSecond);
    return received > bytes_.load(std::memory_order_relaxed) + kOnItsWayBytes + upkeep;
  }

 private:
  static constexpr uint64_t kCallBytes = 16 << 10;
  static constexpr uint64_t kMessageBytes = 256;
  static constexpr uint64_t kSmallMessageBytes = 64 << 10;
  // Pings, their answers, windows.
  static constexpr double kUpkeepBytesPerSecond = 64 << 10;
  // Of messages that gRPC holds until they are whole, or until the session reads on.
  static constexpr uint64_t kOnItsWayBytes = 16 << 20;

  void Add(uint64_t bytes) { bytes_.fetch_add(bytes, std::memory_order_relaxed); }

  std::atomic<uint64_t> bytes_{0};
};

}  // namespace vakt

#endif  // VAKT_COLLECTOR_DOOR_TALLY_H_
