// SPDX-License-Identifier: Apache-2.0
// A rate limit: takes what comes, and says from when on more may come. Up to `rate` may come at
// once after a pause of a second. Threads: thread-compatible.
#ifndef VAKT_COLLECTOR_INGEST_TOKEN_BUCKET_H_
#define VAKT_COLLECTOR_INGEST_TOKEN_BUCKET_H_

#include <algorithm>
#include <cstdint>

#include "absl/time/time.h"

namespace vakt {

class TokenBucket {
 public:
  // Per second; 0: no limit.
  explicit TokenBucket(uint64_t rate) : rate_(static_cast<double>(rate)), left_(rate_) {}

  void Take(uint64_t amount, absl::Time now) {
    Fill(now);
    left_ -= static_cast<double>(amount);
  }
  // What was taken is paid for.
  bool IsReady(absl::Time now) {
    Fill(now);
    return rate_ == 0 || left_ >= 0;
  }

 private:
  void Fill(absl::Time now) {
    // A clock that was set back gives nothing, and takes nothing.
    const double seconds = std::max(0.0, absl::ToDoubleSeconds(now - filled_));
    left_ = std::min(rate_, left_ + seconds * rate_);
    filled_ = now;
  }

  const double rate_;
  double left_;
  absl::Time filled_ = absl::InfinitePast();
};

}  // namespace vakt

#endif  // VAKT_COLLECTOR_INGEST_TOKEN_BUCKET_H_
