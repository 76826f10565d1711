// SPDX-License-Identifier: Apache-2.0
#include "agent/correlate/token_bucket.h"

#include <algorithm>

namespace vakt {

bool TokenBucket::Take(const Throttle& throttle, uint64_t boot_ns) {
  const uint64_t token_ns = throttle.per_ns / throttle.alerts;
  const uint64_t full = std::max(full_boot_ns_, boot_ns);
  if (full - boot_ns + token_ns > token_ns * throttle.alerts) return false;
  full_boot_ns_ = full + token_ns;
  return true;
}

}  // namespace vakt
