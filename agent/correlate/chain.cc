// SPDX-License-Identifier: Apache-2.0
#include "agent/correlate/chain.h"

#include <algorithm>

namespace vakt {
namespace {

bool IsWithin(const Correlate& correlate, uint64_t begin_boot_ns, uint64_t boot_ns) {
  return boot_ns <= begin_boot_ns || boot_ns - begin_boot_ns <= correlate.within_ns;
}

}  // namespace

size_t Chain::Bytes(const Correlate& correlate) {
  return sizeof(Chain) + (correlate.count + correlate.steps) * sizeof(uint64_t);
}

// Times are kept plus one, so that 0 is none.
bool Chain::CountMatch(const Correlate& correlate, uint64_t boot_ns, uint64_t* begin_boot_ns) {
  *begin_boot_ns = boot_ns;
  if (correlate.count == 1) return true;
  matches_.resize(correlate.count);
  matches_[next_] = boot_ns + 1;
  next_ = (next_ + 1) % correlate.count;
  const uint64_t oldest = matches_[next_];
  if (oldest == 0 || !IsWithin(correlate, oldest - 1, boot_ns)) return false;
  *begin_boot_ns = oldest - 1;
  std::fill(matches_.begin(), matches_.end(), 0);
  return true;
}

bool Chain::Advance(const Correlate& correlate, uint32_t part, uint64_t boot_ns,
                    uint64_t* begin_boot_ns) {
  begins_.resize(correlate.steps + 1);
  if (part == 0) {
    if (!CountMatch(correlate, boot_ns, begin_boot_ns)) return false;
  } else {
    if (begins_[part] == 0) return false;
    *begin_boot_ns = begins_[part] - 1;
    if (!IsWithin(correlate, *begin_boot_ns, boot_ns)) return false;
  }
  if (part == correlate.steps) {
    std::fill(begins_.begin(), begins_.end(), 0);
    return true;
  }
  begins_[part + 1] = std::max(begins_[part + 1], *begin_boot_ns + 1);
  return false;
}

}  // namespace vakt
