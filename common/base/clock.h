// SPDX-License-Identifier: Apache-2.0
// Time as a seam: what waits or stamps takes a Clock, so tests need not sleep.
// Threads: thread-safe.
#ifndef VAKT_COMMON_BASE_CLOCK_H_
#define VAKT_COMMON_BASE_CLOCK_H_

#include <cstdint>

namespace vakt {

class Clock {
 public:
  virtual ~Clock() = default;
  virtual int64_t BootNs() const = 0;  // CLOCK_BOOTTIME: since boot, including suspend
  virtual int64_t WallNs() const = 0;  // CLOCK_REALTIME: since 1970
};

// The kernel's clocks. Lives forever.
Clock& RealClock();

}  // namespace vakt

#endif  // VAKT_COMMON_BASE_CLOCK_H_
