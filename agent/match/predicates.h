// SPDX-License-Identifier: Apache-2.0
// The distinct checks of all rules, each evaluated at most once per event, and at most once per
// state of a process where it depends on the process alone.
//
// A predicate is one check; equal checks of different rules are the same predicate. A slot is one
// value that predicates read (proc.name, proc.aname[2], tolower(fd.name)). Most predicates have
// terms (term.h). Those that are to lead to rules are looked up: one look-up of a slot's value
// finds all predicates that have a term in it. One that is not found does not hold; one that is
// found holds, or must be evaluated, as its terms decide it or not. All others are evaluated when a
// rule asks for them.
//
// Ownership: borrows the conditions, which must outlive it.
// Threads: pipeline thread only. No allocation once its scratch space has grown.
#ifndef VAKT_AGENT_MATCH_PREDICATES_H_
#define VAKT_AGENT_MATCH_PREDICATES_H_

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "agent/match/process_memo.h"
#include "agent/match/slot_index.h"
#include "agent/match/term.h"
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
  // `can_scan`: texts in the middle of values can be looked up.
  explicit Predicates(bool can_scan = true) : can_scan_(can_scan) {}
  // The predicate for `check`, which is made if it is new. Call it once per use: how often a
  // constant is used tells how common it is.
  PredicateId Add(const Check& check);
  bool has_terms(PredicateId id) const { return !predicates_[id].terms.terms.empty(); }
  // How often one of its terms can be expected to be found: 0 to 1. Once all are added.
  double Likelihood(PredicateId id) const;
  // It is to be looked up; it has terms.
  void LookUpFromNowOn(PredicateId id) { predicates_[id].form = Form::kLookedUp; }
  // Makes the look-up structures.
  absl::Status Freeze();

  const Check& check(PredicateId id) const { return *predicates_[id].check; }
  SlotId slot(PredicateId id) const { return predicates_[id].left; }
  bool depends_on_process_alone(PredicateId id) const { return predicates_[id].of_process; }

  // ---- After Freeze.
  // Forgets what is known of the previous event. `event` must stay until the next call; `memo` is
  // that of its process.
  void Begin(const Event& event, ProcessMemo* memo);
  bool Evaluate(PredicateId id);
  // Looks the slot's values up. What is found, some perhaps repeatedly; valid until the next call.
  absl::Span<const PredicateId> LookUp(SlotId slot);
  // Calls visit(id) for each predicate that values of the process alone were found to lead to. They
  // are looked up once per state of a process, all together.
  template <typename Visit>
  void ForEachLead(Visit visit) {
    LookUpProcess();
    for (uint32_t i = memo_->leads_begin; i < memo_->leads_end; ++i) {
      visit(memo_->facts[i] >> kStateBits);
    }
  }

  // Look-ups and evaluations so far.
  uint64_t evaluations() const { return evaluations_; }

 private:
  static constexpr uint32_t kStateBits = 2;
  static constexpr uint32_t kStateMask = (uint32_t{1} << kStateBits) - 1;
  static constexpr uint32_t kLastGeneration = (uint32_t{1} << (32 - kStateBits)) - 1;

  enum class Form : uint8_t {
    kLookedUp,  // with others, in the index of its slot
    kIndexed,   // in an index of its own, for its constants are many
    kTested,    // constant by constant
  };
  enum class State : uint8_t { kUnknown, kFound, kFails, kHolds };

  struct Predicate {
    const Check* check = nullptr;
    SlotId left = 0;
    SlotId right = 0;  // when check->right is set
    Form form = Form::kTested;
    bool decided = false;              // by its terms
    bool one_text = false;             // one constant, and any value will do
    bool of_process = false;           // depends on the process alone
    Terms terms;                       // until Freeze
    std::unique_ptr<SlotIndex> index;  // kIndexed
  };
  struct Slot {
    const Operand* operand = nullptr;
    bool of_process = false;
    uint32_t extracted = 0;  // generation
    uint32_t looked_up = 0;  // generation; of those that do not depend on the process alone
    Extractor extractor;
    SlotIndex index;
    std::array<StringMap<uint32_t>, Term::kKinds> uses;  // of each term; until Freeze
    double all_uses = 0;
  };

  SlotId AddSlot(const Operand& operand);
  absl::Span<const Value> Values(SlotId id);
  void LoadFacts();
  void LookUpProcess();
  State Get(PredicateId id);
  State AfterLookUp(PredicateId id);
  void Set(PredicateId id, State state);
  bool Compute(const Predicate& predicate);

  const bool can_scan_;
  std::vector<Predicate> predicates_;
  std::vector<uint32_t> states_;  // per predicate: (process) generation << 2 | State
  std::deque<Slot> slots_;
  std::vector<SlotId> process_slots_;  // those with an index that depend on the process alone
  StringMap<PredicateId> predicate_by_text_;
  StringMap<SlotId> slot_by_text_;
  std::vector<PredicateId> found_;  // scratch of LookUp and Compute
  const Event* event_ = nullptr;
  ProcessMemo* memo_ = nullptr;
  uint64_t change_ = 0;        // of *memo_
  bool facts_loaded_ = false;  // from *memo_ into states_
  uint32_t generation_ = 0;
  uint32_t process_generation_ = 0;
  uint64_t evaluations_ = 0;
};

}  // namespace vakt

#endif  // VAKT_AGENT_MATCH_PREDICATES_H_
