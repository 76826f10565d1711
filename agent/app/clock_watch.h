// SPDX-License-Identifier: Apache-2.0
// Notices when the wall clock is set: the boot clock runs on, so their difference jumps. (NTP moves
// it smoothly, by at most 0.5 ms a second, which is no step.) Thread-compatible.
#ifndef VAKT_AGENT_APP_CLOCK_WATCH_H_
#define VAKT_AGENT_APP_CLOCK_WATCH_H_

#include <cstdint>
#include <optional>

#include "common/base/clock.h"

namespace vakt {

class ClockWatch {
 public:
  struct Step {
    int64_t from_wall_ns;  // what the clock would say now had nobody set it
    int64_t to_wall_ns;    // what it says
    int64_t step_ns() const { return to_wall_ns - from_wall_ns; }
  };

  explicit ClockWatch(const Clock& clock)
      : clock_(clock), boot_to_wall_ns_(clock.WallNs() - clock.BootNs()) {}

  // What has happened since the last call; at least once a minute, or smooth changes add up.
  std::optional<Step> Check() {
    const int64_t boot_ns = clock_.BootNs();
    const int64_t wall_ns = clock_.WallNs();
    const int64_t before = boot_to_wall_ns_;
    boot_to_wall_ns_ = wall_ns - boot_ns;
    const int64_t change_ns = boot_to_wall_ns_ - before;
    if (change_ns < kLeastStepNs && change_ns > -kLeastStepNs) return std::nullopt;
    return Step{boot_ns + before, wall_ns};
  }

  int64_t boot_to_wall_ns() const { return boot_to_wall_ns_; }

 private:
  // Above what slewing does in a minute and what a preemption between the two readings makes.
  static constexpr int64_t kLeastStepNs = 100'000'000;

  const Clock& clock_;
  int64_t boot_to_wall_ns_;
};

}  // namespace vakt

#endif  // VAKT_AGENT_APP_CLOCK_WATCH_H_
