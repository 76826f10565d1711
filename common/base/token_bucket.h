// SPDX-License-Identifier: Apache-2.0
// A rate limit: takes what comes, and says from when on more may come. Up to `burst` may come at
// once after a pause. Threads: thread-compatible.
#ifndef VAKT_COMMON_BASE_TOKEN_BUCKET_H_
#define VAKT_COMMON_BASE_TOKEN_BUCKET_H_

#include <algorithm>
#include <cstdint>

#include "absl/time/time.h"

namespace vakt {

class TokenBucket {
 public:
  // Per second; 0: no limit. Without a burst, what comes in a second.
  explicit TokenBucket(uint64_t rate) : TokenBucket(rate, rate) {}
  TokenBucket(uint64_t rate, uint64_t burst)
      : rate_(static_cast<double>(rate)), burst_(static_cast<double>(burst)), left_(burst_) {}

  void Take(uint64_t amount, absl::Time now) {
    Fill(now);
    left_ -= static_cast<double>(amount);
  }
  // It was not used after all.
  void GiveBack(uint64_t amount) { left_ = std::min(burst_, left_ + static_cast<double>(amount)); }
  // What was taken is paid for.
  bool IsReady(absl::Time now) {
    Fill(now);
    return rate_ == 0 || left_ >= 0;
  }
  // As new: nobody will notice when it is forgotten.
  bool IsFull(absl::Time now) {
    Fill(now);
    return rate_ == 0 || left_ >= burst_;
  }

 private:
  void Fill(absl::Time now) {
    // A clock that was set back gives nothing, and takes nothing.
    const double seconds = std::max(0.0, absl::ToDoubleSeconds(now - filled_));
    left_ = std::min(burst_, left_ + seconds * rate_);
    filled_ = now;
  }

  double rate_;
  double burst_;
  double left_;
  absl::Time filled_ = absl::InfinitePast();
};

}  // namespace vakt

#endif  // VAKT_COMMON_BASE_TOKEN_BUCKET_H_
