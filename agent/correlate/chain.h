// SPDX-License-Identifier: Apache-2.0
// How far the events of one key have come on the way that `correlate` describes: so many matches of
// the rule, then each of the steps, all within a time.
//
// Of several ways to have come as far, the one that began last is kept: it has the most time left.
// Time is the events'.
//
// Threads: thread-compatible. Allocates once.
#ifndef VAKT_AGENT_CORRELATE_CHAIN_H_
#define VAKT_AGENT_CORRELATE_CHAIN_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "common/rulelang/rule_extras.h"

namespace vakt {

class Chain {
 public:
  // An event matches the rule (part 0) or one of its steps (from 1). Of an event that matches
  // several, the last one is to be told first: an event counts as one part. True when the way is
  // done; *begin_boot_ns is then where it began, and it begins anew.
  bool Advance(const Correlate& correlate, uint32_t part, uint64_t boot_ns,
               uint64_t* begin_boot_ns);

  static size_t Bytes(const Correlate& correlate);

 private:
  bool CountMatch(const Correlate& correlate, uint64_t boot_ns, uint64_t* begin_boot_ns);

  std::vector<uint64_t> matches_;  // times of part 0: a ring of the last `count`
  uint32_t next_ = 0;              // in matches_
  std::vector<uint64_t> begins_;   // by parts done, from 1: when it began, plus one; 0: not so far
};

}  // namespace vakt

#endif  // VAKT_AGENT_CORRELATE_CHAIN_H_
