// SPDX-License-Identifier: Apache-2.0
// The rules that can fire on some event types, and what leads to them: a rule that cannot hold
// unless one of some predicates holds is a candidate only when one of them is found. Predicates
// that depend on the process alone are looked up once per state of the process (Limit), the others
// for each event (FindCandidates).
//
// Ownership: borrows the rules. Threads: immutable after Freeze, so it may be shared.
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
    const Rule* rule;
    ConditionCode::Label of_process;
    ConditionCode::Label rest;
  };

  // In definition order, all before Freeze. Of the condition, `entry` has the code.
  void Add(const Entry& entry, const Condition& condition, const Predicates& predicates);
  void Freeze();

  size_t size() const { return entries_.size(); }
  const Entry& entry(uint32_t position) const { return entries_[position]; }

  // Which rules the process of the event allows.
  void Limit(const ConditionCode& code, Predicates* predicates, ProcessRules* rules) const;
  // Adds the positions of those of them that the event may fire.
  void FindCandidates(const ProcessRules& rules, Predicates* predicates,
                      CandidateSet* candidates) const;

 private:
  using Bits = std::vector<uint64_t>;  // one per rule

  // The rules that a predicate leads to.
  struct Posting {
    std::vector<uint32_t> positions;
    Bits bits;  // instead, when there are many
  };
  // A slot that is looked up for each event, and the rules that it leads to.
  struct EventSlot {
    SlotId slot;
    Bits rules;
  };

  EventSlot& EventSlotOf(SlotId slot);
  size_t words() const { return (entries_.size() + 63) / 64; }

  std::vector<Entry> entries_;
  Bits without_process_lookup_;
  Bits without_event_lookup_;
  std::vector<SlotId> process_slots_;
  std::vector<EventSlot> event_slots_;
  absl::flat_hash_map<PredicateId, Posting> postings_;
};

}  // namespace vakt

#endif  // VAKT_AGENT_MATCH_RULE_BUCKET_H_
