// SPDX-License-Identifier: Apache-2.0
// What is known of processes in the state that they are in, so that what depends on a process alone
// is worked out once and not for each of its events.
//
// Design: a process's state has a number (Process::change) that no other state of any process ever
// has. A memo is found by it in a table of fixed size, where a newer state takes the place of an
// older one; a memo that was displaced is made again when it is needed. Nothing must be forgotten
// in time, so nothing can be stale.
//
// Ownership: owns the memos. Threads: pipeline thread only. A memo keeps its memory when another
// state takes its place.
#ifndef VAKT_AGENT_MATCH_PROCESS_MEMO_H_
#define VAKT_AGENT_MATCH_PROCESS_MEMO_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/types/span.h"

namespace vakt {

struct ProcessMemo {
  // Part of `positions`: of the rules of one bucket.
  struct Rules {
    static constexpr uint32_t kUnknown = ~uint32_t{0};
    uint32_t begin = kUnknown;
    uint32_t size = 0;
  };

  uint64_t change = 0;
  bool looked_up = false;    // in the indexes of all values that depend on the process alone
  uint32_t leads_begin = 0;  // of the facts that were found so
  uint32_t leads_end = 0;
  // What Predicates knows, in its notation.
  std::vector<uint32_t> facts;
  std::vector<Rules> rules;  // by bucket
  // Rules that the process allows and leads to: candidates whatever the event, ascending in each
  // bucket.
  std::vector<uint32_t> positions;

  absl::Span<const uint32_t> RulesOf(uint32_t bucket) const {
    return absl::MakeConstSpan(positions).subspan(rules[bucket].begin, rules[bucket].size);
  }
};

class ProcessMemos {
 public:
  explicit ProcessMemos(size_t buckets = 0) : buckets_(buckets), memos_(kMemos) {}

  // The memo of the state with this number, empty when it is new. 0: a state that nothing tells
  // from others; its memo is always empty.
  ProcessMemo& Of(uint64_t change) {
    ProcessMemo& memo = memos_[change % kMemos];
    if (memo.change != change || change == 0) {
      if (memo.rules.empty()) Allocate(&memo);
      memo.change = change;
      memo.looked_up = false;
      memo.leads_begin = memo.leads_end = 0;
      memo.facts.clear();
      memo.positions.clear();
      for (ProcessMemo::Rules& rules : memo.rules) rules = {};
    }
    return memo;
  }

 private:
  // As many processes as are active at one time on a large node.
  static constexpr size_t kMemos = 2048;
  // Room for what most need, so that memory is asked for once per place.
  static constexpr size_t kUsualFacts = 32;
  static constexpr size_t kUsualPositions = 32;

  void Allocate(ProcessMemo* memo) const {
    memo->facts.reserve(kUsualFacts);
    memo->positions.reserve(kUsualPositions);
    memo->rules.resize(buckets_);
  }

  size_t buckets_;
  std::vector<ProcessMemo> memos_;
};

}  // namespace vakt

#endif  // VAKT_AGENT_MATCH_PROCESS_MEMO_H_
