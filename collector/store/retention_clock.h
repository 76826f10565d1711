// SPDX-License-Identifier: Apache-2.0
// The time that records expire by: the wall clock, but not where somebody has set it ahead. A
// record that is deleted too early is lost, one that is deleted too late is not; so a wall clock
// that has jumped is not believed, until it comes back or the collector is started again with it.
//
// Threads: thread-compatible.
#ifndef VAKT_COLLECTOR_STORE_RETENTION_CLOCK_H_
#define VAKT_COLLECTOR_STORE_RETENTION_CLOCK_H_

#include <cstdint>

#include "absl/time/time.h"
#include "common/base/clock.h"

namespace vakt {

// What adjusting a clock may come to between two looks.
inline constexpr absl::Duration kClockTolerance = absl::Hours(1);
// How long a collector may have been off. Of a longer time only so much is believed.
inline constexpr absl::Duration kLongestPause = absl::Hours(31 * 24);

class RetentionClock {
 public:
  // `last_ns`: the latest time that an earlier run went by; 0: there was none.
  RetentionClock(const Clock& clock, int64_t last_ns);

  struct Reading {
    int64_t now_ns = 0;       // since 1970; never later than the wall clock
    absl::Duration distrust;  // how far the wall clock is ahead of it
  };
  Reading Read();

 private:
  const Clock& clock_;
  // What is believed, and when it was looked at.
  int64_t believed_ns_;
  int64_t boot_ns_;
};

}  // namespace vakt

#endif  // VAKT_COLLECTOR_STORE_RETENTION_CLOCK_H_
