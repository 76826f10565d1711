// SPDX-License-Identifier: Apache-2.0
// What is known of processes in the state that they are in, so that what depends on a process alone
// is worked out once and not for each of its events.
//
// Design: a process's state has a number (Process::change) that no other state of any process ever
// has. A memo is found by it in a table of fixed size, where a newer state takes the place of an
// older one; a memo that was displaced is made again when it is needed. Nothing must be forgotten
// in time, so nothing can be stale.
//
// Ownership: owns the memos. Threads: pipeline thread only. A place in the table allocates its
// memory when it is first taken.
#ifndef VAKT_AGENT_MATCH_PROCESS_MEMO_H_
#define VAKT_AGENT_MATCH_PROCESS_MEMO_H_

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace vakt {

// The rules of one bucket as far as the process decides.
struct ProcessRules {
  bool known = false;
  std::vector<uint64_t> possible;       // bit per rule: the process does not rule it out
  std::vector<uint32_t> always;         // possible ones that no value of the event leads to
  std::vector<uint32_t> event_lookups;  // slots whose values lead to other possible ones
};

struct ProcessMemo {
  uint64_t change = 0;
  std::vector<uint64_t> decided;    // bit per process predicate: its outcome is known ...
  std::vector<uint64_t> holds;      // ... and this is it; undecided: whether it was found
  std::vector<uint64_t> looked_up;  // bit per slot
  std::vector<ProcessRules> rules;  // by bucket
};

class ProcessMemos {
 public:
  // Memos of this many bits and buckets. At most `max_bytes` (about) are used.
  void Reserve(size_t predicates, size_t slots, size_t buckets, size_t bucket_bits,
               size_t max_bytes) {
    predicate_words_ = Words(predicates);
    slot_words_ = Words(slots);
    buckets_ = buckets;
    const size_t bytes = sizeof(ProcessMemo) + buckets * sizeof(ProcessRules) +
                         (2 * predicate_words_ + slot_words_ + Words(bucket_bits)) * 8;
    const size_t fit = std::max<size_t>(max_bytes / bytes, 1);
    memos_.resize(std::clamp<size_t>(std::bit_floor(fit), kMinMemos, kMaxMemos));
  }

  // The memo of the state with this number, empty when it is new. 0: a state that nothing else
  // tells from others; its memo is always empty.
  ProcessMemo& Of(uint64_t change) {
    ProcessMemo& memo = memos_[change & (memos_.size() - 1)];
    if (memo.change != change || change == 0) Clear(change, &memo);
    return memo;
  }

 private:
  static constexpr size_t kMinMemos = 16;
  static constexpr size_t kMaxMemos = 1024;

  static size_t Words(size_t bits) { return (bits + 63) / 64; }

  void Clear(uint64_t change, ProcessMemo* memo) const {
    memo->change = change;
    memo->decided.assign(predicate_words_, 0);
    memo->holds.assign(predicate_words_, 0);
    memo->looked_up.assign(slot_words_, 0);
    memo->rules.resize(buckets_);
    for (ProcessRules& rules : memo->rules) rules.known = false;
  }

  size_t predicate_words_ = 0;
  size_t slot_words_ = 0;
  size_t buckets_ = 0;
  std::vector<ProcessMemo> memos_ = std::vector<ProcessMemo>(1);
};

}  // namespace vakt

#endif  // VAKT_AGENT_MATCH_PROCESS_MEMO_H_
