// SPDX-License-Identifier: Apache-2.0
// The distinct checks of all rules, each evaluated at most once per event, and at most once per
// process where it depends on the process alone.
//
// A predicate is one check; equal checks of different rules are the same predicate. A slot is one
// value that predicates read (proc.name, proc.aname[2], tolower(fd.name)). Most predicates have
// terms (term.h), and one look-up of a slot's value finds all predicates that have a term in it. A
// predicate that is not found does not hold; one that is found holds, or must be evaluated, as its
// terms decide it or not.
//
// Ownership: borrows the conditions, which must outlive it.
// Threads: pipeline thread only. No allocation once its scratch space has grown.
#ifndef VAKT_AGENT_MATCH_PREDICATES_H_
#define VAKT_AGENT_MATCH_PREDICATES_H_

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "agent/match/process_memo.h"
#include "agent/match/slot_index.h"
#include "common/base/strings.h"
#include "common/event/event.h"
#include "common/event/field_table.h"
#include "common/rulelang/expr.h"

namespace vakt {

using PredicateId = uint32_t;
using SlotId = uint32_t;

class Predicates {
 public:
  // ---- Before Freeze.
  // The predicate for `check`, which is made if it is new. Call it once per use: how often a
  // constant is used tells how common it is.
  PredicateId Add(const Check& check);
  // Makes the look-up structures. When it fails, some predicates are not looked up.
  absl::Status Freeze();

  // ---- After Freeze.
  size_t size() const { return predicates_.size(); }
  size_t process_predicates() const { return process_predicates_; }
  size_t slots() const { return slots_.size(); }
  const Check& check(PredicateId id) const { return *predicates_[id].check; }
  SlotId slot(PredicateId id) const { return predicates_[id].left; }
  // True for predicates that a look-up of their slot's value finds if they hold.
  bool is_looked_up(PredicateId id) const { return predicates_[id].form != Form::kFree; }
  bool is_decided_by_lookup(PredicateId id) const { return predicates_[id].form == Form::kDecided; }
  bool depends_on_process_alone(PredicateId id) const { return predicates_[id].of_process; }
  // How often a look-up can be expected to find it: 0 to 1.
  double Likelihood(PredicateId id) const;

  // Forgets what is known of the previous event. `event` must stay until the next call; `memo` is
  // that of its process.
  void Begin(const Event& event, ProcessMemo* memo);
  bool Evaluate(PredicateId id);
  // Looks the slot's values up. What is found, some perhaps repeatedly; valid until the next call.
  absl::Span<const PredicateId> LookUp(SlotId slot);

  // Look-ups and evaluations so far.
  uint64_t evaluations() const { return evaluations_; }

 private:
  enum class Form : uint8_t {
    kDecided,  // a look-up decides it
    kGuarded,  // it must be found and then evaluated
    kFree,     // not looked up
  };
  enum class State : uint8_t { kUnknown, kFound, kFails, kHolds };

  struct Predicate {
    const Check* check = nullptr;
    SlotId left = 0;
    SlotId right = 0;  // when check->right is set
    Form form = Form::kFree;
    bool one_text = false;    // one constant, and any value will do
    bool of_process = false;  // then `place` is that in a ProcessMemo
    bool has_parts = false;   // some of its terms are parts
    uint32_t place = 0;
    std::vector<SlotIndex::TermId> terms;
  };
  struct TermUse {
    double likelihood = 0;  // by its length
    double uses = 0;
  };
  struct Slot {
    const Operand* operand = nullptr;
    bool of_process = false;
    uint32_t extracted = 0;  // generation
    uint32_t looked_up = 0;  // generation; of slots that are not of the process
    Extractor extractor;
    SlotIndex index;
    std::vector<TermUse> term_uses;  // by term
    double uses = 0;                 // of all its terms
  };

  SlotId AddSlot(const Operand& operand);
  void AddTerms(PredicateId id);
  absl::Span<const Value> Values(SlotId id);
  bool IsLookedUp(SlotId id) const;
  State Get(const Predicate& predicate, PredicateId id) const;
  void Set(const Predicate& predicate, PredicateId id, State state);
  bool Compute(const Predicate& predicate);

  std::vector<Predicate> predicates_;
  size_t process_predicates_ = 0;
  std::vector<uint32_t> states_;  // per predicate: generation << 2 | State
  std::deque<Slot> slots_;
  StringMap<PredicateId> predicate_by_text_;
  StringMap<SlotId> slot_by_text_;
  std::vector<PredicateId> found_;  // scratch of LookUp
  const Event* event_ = nullptr;
  ProcessMemo* memo_ = nullptr;
  uint32_t generation_ = 0;
  uint64_t evaluations_ = 0;
};

}  // namespace vakt

#endif  // VAKT_AGENT_MATCH_PREDICATES_H_
