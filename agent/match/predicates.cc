// SPDX-License-Identifier: Apache-2.0
#include "agent/match/predicates.h"

#include <algorithm>
#include <utility>

#include "common/base/status.h"
#include "common/rulelang/eval.h"

namespace vakt {
namespace {

// A value that stands for many (the names of all ancestors) is found more often.
constexpr double kAncestorsFactor = 4;

// From this many constants on, looking a value up is faster than comparing it with each.
constexpr size_t kManyConstants = 8;

bool DependsOnProcessAlone(const Operand& operand) {
  if (operand.kind == Operand::Kind::kField) {
    return (operand.field->flags & kFieldProcessState) != 0;
  }
  return std::all_of(operand.parts.begin(), operand.parts.end(), DependsOnProcessAlone);
}

bool IsOneText(const Check& check) {
  return check.right == nullptr && check.quantifier == Quantifier::kNone &&
         (check.op->shape == Shape::kText || check.op->shape == Shape::kNumber) &&
         check.op->op != Operator::kNotEqual;
}

bool HasParts(const Terms& terms) {
  return std::any_of(terms.terms.begin(), terms.terms.end(), [](const Term& term) {
    return term.kind == Term::Kind::kPart || term.kind == Term::Kind::kPartIgnoringCase;
  });
}

bool WalksAncestors(const Operand& operand) {
  return operand.field != nullptr && !operand.arg.present &&
         (operand.field->flags & kFieldAnyOf) != 0;
}

}  // namespace

SlotId Predicates::AddSlot(const Operand& operand) {
  const auto [entry, is_new] =
      slot_by_text_.try_emplace(operand.ToText(), static_cast<SlotId>(slots_.size()));
  if (is_new) {
    Slot& slot = slots_.emplace_back();
    slot.operand = &operand;
    slot.of_process = DependsOnProcessAlone(operand);
  }
  return entry->second;
}

PredicateId Predicates::Add(const Check& check) {
  const auto id = static_cast<PredicateId>(predicates_.size());
  const auto [entry, is_new] = predicate_by_text_.try_emplace(check.ToText(), id);
  if (is_new) {
    Predicate& predicate = predicates_.emplace_back();
    predicate.check = &check;
    predicate.left = AddSlot(check.left);
    predicate.of_process = slots_[predicate.left].of_process;
    if (check.right != nullptr) {
      predicate.right = AddSlot(*check.right);
      predicate.of_process = predicate.of_process && slots_[predicate.right].of_process;
    }
    predicate.one_text = IsOneText(check);
    predicate.terms = TermsOf(check);
    if (!can_scan_ && HasParts(predicate.terms)) predicate.terms = {};
    predicate.decided = predicate.terms.decide;
  }
  const Predicate& predicate = predicates_[entry->second];
  Slot& slot = slots_[predicate.left];
  for (const Term& term : predicate.terms.terms) {
    ++slot.uses[static_cast<size_t>(term.kind)][term.text];
    ++slot.all_uses;
  }
  return entry->second;
}

// Longer texts are rarer, and so are constants that few of the rules about this value name.
double Predicates::Likelihood(PredicateId id) const {
  const Predicate& predicate = predicates_[id];
  const Slot& slot = slots_[predicate.left];
  double sum = 0;
  for (const Term& term : predicate.terms.terms) {
    const double uses = slot.uses[static_cast<size_t>(term.kind)].at(term.text);
    sum += std::max(term.Likelihood(), uses / (1 + slot.all_uses));
  }
  return std::min(1.0, WalksAncestors(predicate.check->left) ? sum * kAncestorsFactor : sum);
}

absl::Status Predicates::Freeze() {
  for (PredicateId id = 0; id < predicates_.size(); ++id) {
    Predicate& predicate = predicates_[id];
    const Terms terms = std::exchange(predicate.terms, {});
    SlotIndex* index = &slots_[predicate.left].index;
    if (predicate.form != Form::kLookedUp) {
      if (!terms.decide || terms.terms.size() < kManyConstants) continue;
      predicate.form = Form::kIndexed;
      predicate.index = std::make_unique<SlotIndex>();
      index = predicate.index.get();
    }
    for (const Term& term : terms.terms) index->Add(term, id);
    if (predicate.index != nullptr) VAKT_RETURN_IF_ERROR(index->Freeze());
  }
  for (SlotId id = 0; id < slots_.size(); ++id) {
    Slot& slot = slots_[id];
    slot.uses = {};
    VAKT_RETURN_IF_ERROR(slot.index.Freeze());
    if (slot.of_process && !slot.index.empty()) process_slots_.push_back(id);
  }
  states_.assign(predicates_.size(), 0);
  predicate_by_text_ = {};
  slot_by_text_ = {};
  return absl::OkStatus();
}

void Predicates::Begin(const Event& event, ProcessMemo* memo) {
  event_ = &event;
  // The facts of the last event's process hold as long as its state is the same.
  const bool same_process = memo_ == memo && memo->change != 0 && memo->change == change_;
  memo_ = memo;
  change_ = memo->change;
  if (!same_process) {
    facts_loaded_ = false;
    ++process_generation_;
  }
  if (++generation_ <= kLastGeneration && process_generation_ <= kLastGeneration) return;
  generation_ = process_generation_ = 1;
  facts_loaded_ = false;
  std::fill(states_.begin(), states_.end(), 0);
  for (Slot& slot : slots_) slot.extracted = slot.looked_up = 0;
}

// Of the process, when the first of its predicates is asked for. A fact is a predicate's number and
// state.
void Predicates::LoadFacts() {
  if (facts_loaded_) return;
  facts_loaded_ = true;
  const uint32_t generation = process_generation_ << kStateBits;
  for (const uint32_t fact : memo_->facts) {
    states_[fact >> kStateBits] = generation | (fact & kStateMask);
  }
}

void Predicates::LookUpProcess() {
  if (memo_->looked_up) return;
  memo_->looked_up = true;
  memo_->leads_begin = static_cast<uint32_t>(memo_->facts.size());
  for (const SlotId slot : process_slots_) LookUp(slot);
  memo_->leads_end = static_cast<uint32_t>(memo_->facts.size());
}

absl::Span<const Value> Predicates::Values(SlotId id) {
  Slot& slot = slots_[id];
  if (slot.extracted != generation_) {
    slot.extracted = generation_;
    slot.extractor.Reset();
    ExtractOperand(*slot.operand, *event_, slot.extractor);
  }
  return slot.extractor.values();
}

Predicates::State Predicates::Get(PredicateId id) {
  const bool of_process = predicates_[id].of_process;
  if (of_process) LoadFacts();
  const uint32_t state = states_[id];
  return state >> kStateBits == (of_process ? process_generation_ : generation_)
             ? static_cast<State>(state & kStateMask)
             : State::kUnknown;
}

void Predicates::Set(PredicateId id, State state) {
  const auto bits = static_cast<uint32_t>(state);
  const bool of_process = predicates_[id].of_process;
  states_[id] = (of_process ? process_generation_ : generation_) << kStateBits | bits;
  if (of_process) memo_->facts.push_back(id << kStateBits | bits);
}

absl::Span<const PredicateId> Predicates::LookUp(SlotId id) {
  Slot& slot = slots_[id];
  slot.looked_up = generation_;
  found_.clear();
  for (const Value& value : Values(id)) {
    ++evaluations_;
    slot.index.Find(value, &found_);
  }
  for (const PredicateId found : found_) {
    if (Get(found) != State::kUnknown) continue;
    Set(found, predicates_[found].decided ? State::kHolds : State::kFound);
  }
  return found_;
}

// What is looked up and was not found does not hold.
Predicates::State Predicates::AfterLookUp(PredicateId id) {
  const Predicate& predicate = predicates_[id];
  if (predicate.of_process) {
    LookUpProcess();
  } else if (slots_[predicate.left].looked_up != generation_) {
    LookUp(predicate.left);
  }
  const State state = Get(id);
  return state == State::kUnknown ? State::kFails : state;
}

bool Predicates::Evaluate(PredicateId id) {
  State state = Get(id);
  if (state == State::kHolds || state == State::kFails) return state == State::kHolds;
  const Predicate& predicate = predicates_[id];
  if (state == State::kUnknown && predicate.form == Form::kLookedUp) state = AfterLookUp(id);
  if (state == State::kUnknown || state == State::kFound) {
    ++evaluations_;
    state = Compute(predicate) ? State::kHolds : State::kFails;
  }
  Set(id, state);
  return state == State::kHolds;
}

bool Predicates::Compute(const Predicate& predicate) {
  const Check& check = *predicate.check;
  const absl::Span<const Value> left = Values(predicate.left);
  if (predicate.form == Form::kIndexed) {
    found_.clear();
    for (const Value& value : left) predicate.index->Find(value, &found_);
    return !found_.empty();
  }
  if (predicate.one_text) {
    const Literal& literal = check.literals.front();
    const Value right = literal.value();
    return std::any_of(left.begin(), left.end(),
                       [&](const Value& value) { return check.op->test(value, right, &literal); });
  }
  if (check.right == nullptr) return EvaluateCheck(check, left, {});
  return EvaluateCheck(check, left, Values(predicate.right));
}

}  // namespace vakt
