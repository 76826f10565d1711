// SPDX-License-Identifier: Apache-2.0
// A set of small numbers that is filled, drained in ascending order and filled again, at a cost
// that depends on how many are in it and hardly on how large they may be.
//
// Ownership: a value. Threads: thread-compatible.
#ifndef VAKT_AGENT_MATCH_CANDIDATE_SET_H_
#define VAKT_AGENT_MATCH_CANDIDATE_SET_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace vakt {

class CandidateSet {
 public:
  // Makes room for numbers below `limit`. The set is empty then.
  void Reserve(size_t limit) {
    words_.assign((limit + 63) / 64, 0);
    summary_.assign((words_.size() + 63) / 64, 0);
  }

  void Add(uint32_t number) {
    words_[number / 64] |= uint64_t{1} << number % 64;
    summary_[number / 4096] |= uint64_t{1} << number / 64 % 64;
  }
  // Calls visit(number) for each in ascending order and empties the set. visit says whether to go
  // on; when not, the others are not visited.
  template <typename Visit>
  void Drain(Visit visit) {
    bool go_on = true;
    for (size_t i = 0; i < summary_.size(); ++i) {
      for (; summary_[i] != 0; summary_[i] &= summary_[i] - 1) {
        const size_t word = i * 64 + static_cast<size_t>(std::countr_zero(summary_[i]));
        for (; words_[word] != 0 && go_on; words_[word] &= words_[word] - 1) {
          const auto bit = static_cast<size_t>(std::countr_zero(words_[word]));
          go_on = visit(static_cast<uint32_t>(word * 64 + bit));
        }
        words_[word] = 0;
      }
    }
  }

 private:
  std::vector<uint64_t> words_;
  std::vector<uint64_t> summary_;  // bit per word: it is not 0
};

}  // namespace vakt

#endif  // VAKT_AGENT_MATCH_CANDIDATE_SET_H_
