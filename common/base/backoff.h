// SPDX-License-Identifier: Apache-2.0
// How long to wait before the next attempt: a random time up to a limit that doubles with every
// failure ("full jitter"), so that the agents of a large fleet come back spread out after their
// collector was away. Thread-compatible.
#ifndef VAKT_COMMON_BASE_BACKOFF_H_
#define VAKT_COMMON_BASE_BACKOFF_H_

#include <algorithm>

#include "absl/random/random.h"
#include "absl/time/time.h"

namespace vakt {

class Backoff {
 public:
  Backoff(absl::Duration min, absl::Duration max) : min_(min), max_(max), limit_(min) {}

  // The delay before the next attempt.
  absl::Duration Next() {
    const absl::Duration delay = absl::Uniform(random_, 0.0, 1.0) * limit_;
    limit_ = std::min(max_, 2 * limit_);
    return delay;
  }
  void Reset() { limit_ = min_; }
  absl::Duration limit() const { return limit_; }

 private:
  const absl::Duration min_;
  const absl::Duration max_;
  absl::Duration limit_;
  absl::BitGen random_;
};

}  // namespace vakt

#endif  // VAKT_COMMON_BASE_BACKOFF_H_
