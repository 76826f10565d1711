// SPDX-License-Identifier: Apache-2.0
// Lets `alerts` pass at once and `alerts` per period in the long run. Time is the events'; it may
// go back a little.
//
// Threads: thread-compatible.
#ifndef VAKT_AGENT_CORRELATE_TOKEN_BUCKET_H_
#define VAKT_AGENT_CORRELATE_TOKEN_BUCKET_H_

#include <cstdint>

#include "common/rulelang/rule_extras.h"

namespace vakt {

class TokenBucket {
 public:
  bool Take(const Throttle& throttle, uint64_t boot_ns);

 private:
  // When the bucket would be full again: each token taken moves it by one token's time.
  uint64_t full_boot_ns_ = 0;
};

}  // namespace vakt

#endif  // VAKT_AGENT_CORRELATE_TOKEN_BUCKET_H_
