// SPDX-License-Identifier: Apache-2.0
// The distinct checks of all rules, each evaluated at most once per event.
//
// A predicate is one check; equal checks of different rules are the same predicate. A slot is one
// value that predicates read (proc.name, proc.aname[2], tolower(fd.name)). Predicates that ask
// whether a slot's value is one of some constants, or begins with one, are all decided by one
// look-up of the value in the slot's hash table and trie.
//
// Ownership: borrows the conditions, which must outlive it.
// Threads: pipeline thread only. No allocation once the extractors have grown.
#ifndef VAKT_AGENT_MATCH_PREDICATES_H_
#define VAKT_AGENT_MATCH_PREDICATES_H_

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/types/span.h"
#include "agent/match/prefix_trie.h"
#include "common/base/strings.h"
#include "common/event/event.h"
#include "common/event/field_table.h"
#include "common/rulelang/expr.h"

namespace vakt {

using PredicateId = uint32_t;
using SlotId = uint32_t;

class Predicates {
 public:
  // The predicate for `check`, which is made if it is new.
  PredicateId Add(const Check& check);
  size_t size() const { return predicates_.size(); }
  const Check& check(PredicateId id) const { return *predicates_[id].check; }

  // True for predicates that a look-up of their slot's value decides.
  bool is_looked_up(PredicateId id) const {
    return predicates_[id].form == Form::kEquality || predicates_[id].form == Form::kPrefix;
  }
  SlotId slot(PredicateId id) const { return predicates_[id].left; }
  // How many different constants the slot's values are looked up among.
  size_t constants(SlotId slot) const {
    return slots_[slot].equal.size() + slots_[slot].prefixes.size();
  }

  // Forgets what is known of the previous event. `event` must stay until the next call.
  void Begin(const Event& event);
  bool Evaluate(PredicateId id);
  // The looked-up predicates on the slot that hold for the event.
  absl::Span<const PredicateId> Hits(SlotId slot);

  uint64_t evaluations() const { return evaluations_; }

 private:
  enum class Form : uint8_t {
    kEquality,  // decided by the slot's hash table
    kPrefix,    // decided by the slot's trie
    kOneText,   // one constant, any value will do
    kGeneral,   // as the reference evaluator does it
  };
  struct Predicate {
    const Check* check;
    SlotId left;
    SlotId right;  // when check->right is set
    Form form;
  };
  struct Slot {
    const Operand* operand;
    Extractor extractor;
    uint32_t extracted = 0;  // generation
    uint32_t looked_up = 0;  // generation
    absl::flat_hash_map<std::string, std::vector<PredicateId>, StringHash, std::equal_to<>> equal;
    PrefixTrie prefixes;
    std::vector<PredicateId> hits;
  };

  SlotId AddSlot(const Operand& operand);
  absl::Span<const Value> Values(SlotId id);
  void AddConstants(const Predicate& predicate, PredicateId id);
  void AddHit(PredicateId id, Slot* slot);
  bool Compute(const Predicate& predicate);
  void Remember(PredicateId id, bool holds) { memo_[id] = generation_ << 1 | (holds ? 1u : 0u); }

  std::vector<Predicate> predicates_;
  std::vector<uint32_t> memo_;  // per predicate: generation << 1 | result
  std::deque<Slot> slots_;
  StringMap<PredicateId> predicate_by_text_;
  StringMap<SlotId> slot_by_text_;
  const Event* event_ = nullptr;
  uint32_t generation_ = 0;
  uint64_t evaluations_ = 0;
};

}  // namespace vakt

#endif  // VAKT_AGENT_MATCH_PREDICATES_H_
