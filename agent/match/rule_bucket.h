// SPDX-License-Identifier: Apache-2.0
// The rules that can fire on some event types, and what leads to them (Access): what depends on the
// process alone is looked up once per state of the process, the rest for each event.
//
// Ownership: borrows the rules. Threads: immutable once filled, so it may be shared.
#ifndef VAKT_AGENT_MATCH_RULE_BUCKET_H_
#define VAKT_AGENT_MATCH_RULE_BUCKET_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "agent/match/candidate_set.h"
#include "agent/match/condition_code.h"
#include "agent/match/predicates.h"
#include "agent/match/process_memo.h"

namespace vakt {

struct Rule;

class RuleBucket {
 public:
  // A rule holds when both pieces of code do.
  struct Entry {
    const Rule* rule = nullptr;
    ConditionCode::Label of_process = 0;
    ConditionCode::Label rest = 0;
  };

  // In definition order.
  void Add(const Entry& entry, const Access& access, const Predicates& predicates);

  size_t size() const { return entries_.size(); }
  const Entry& entry(uint32_t position) const { return entries_[position]; }

  // Puts into the memo of the event's process the rules that it leads to, and those that nothing
  // leads to, as far as it allows them. `bucket` is this one's number there.
  void FindForProcess(const ConditionCode& code, Predicates* predicates, ProcessMemo* memo,
                      uint32_t bucket) const;
  // Adds the rules that the event leads to. The process may not allow them.
  void FindForEvent(Predicates* predicates, CandidateSet* positions) const;

 private:
  using Positions = absl::flat_hash_map<PredicateId, std::vector<uint32_t>>;

  std::vector<Entry> entries_;
  std::vector<uint32_t> always_;
  Positions of_process_;
  Positions of_event_;
  std::vector<SlotId> event_slots_;  // that the predicates of of_event_ look at
};

}  // namespace vakt

#endif  // VAKT_AGENT_MATCH_RULE_BUCKET_H_
