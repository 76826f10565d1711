// SPDX-License-Identifier: Apache-2.0
#include "collector/store/retention_clock.h"

#include <algorithm>

namespace vakt {

RetentionClock::RetentionClock(const Clock& clock, int64_t last_ns)
    : clock_(clock), believed_ns_(clock.WallNs()), boot_ns_(clock.BootNs()) {
  if (last_ns == 0) return;
  believed_ns_ = std::min(believed_ns_, last_ns + absl::ToInt64Nanoseconds(kLongestPause));
}

RetentionClock::Reading RetentionClock::Read() {
  const int64_t boot_ns = clock_.BootNs(), wall_ns = clock_.WallNs();
  believed_ns_ += boot_ns - boot_ns_;
  boot_ns_ = boot_ns;
  const absl::Duration ahead = absl::Nanoseconds(wall_ns - believed_ns_);
  if (absl::AbsDuration(ahead) <= kClockTolerance) believed_ns_ = wall_ns;
  return {.now_ns = std::min(believed_ns_, wall_ns),
          .distrust = ahead > kClockTolerance ? ahead : absl::ZeroDuration()};
}

}  // namespace vakt
