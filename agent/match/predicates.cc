// SPDX-License-Identifier: Apache-2.0
#include "agent/match/predicates.h"

#include <algorithm>

#include "agent/match/term.h"
#include "common/rulelang/eval.h"

namespace vakt {
namespace {

constexpr uint32_t kStateBits = 2;
constexpr uint32_t kLastGeneration = (uint32_t{1} << (32 - kStateBits)) - 1;

// A value that stands for many (the names of all ancestors) is found more often.
constexpr double kAncestorsFactor = 4;

bool Bit(const std::vector<uint64_t>& bits, size_t i) { return (bits[i / 64] >> i % 64 & 1) != 0; }

void SetBit(std::vector<uint64_t>& bits, size_t i, bool value) {
  const uint64_t bit = uint64_t{1} << i % 64;
  bits[i / 64] = value ? bits[i / 64] | bit : bits[i / 64] & ~bit;
}

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
    if (predicate.of_process) predicate.place = static_cast<uint32_t>(process_predicates_++);
    predicate.one_text = IsOneText(check);
    states_.push_back(0);
    AddTerms(id);
  }
  const Predicate& predicate = predicates_[entry->second];
  Slot& slot = slots_[predicate.left];
  for (const SlotIndex::TermId term : predicate.terms) {
    ++slot.term_uses[term].uses;
    ++slot.uses;
  }
  return entry->second;
}

void Predicates::AddTerms(PredicateId id) {
  Predicate& predicate = predicates_[id];
  Slot& slot = slots_[predicate.left];
  const Terms terms = TermsOf(*predicate.check);
  if (terms.terms.empty()) return;
  predicate.form = terms.decide ? Form::kDecided : Form::kGuarded;
  for (const Term& term : terms.terms) {
    const bool is_part =
        term.kind == Term::Kind::kPart || term.kind == Term::Kind::kPartIgnoringCase;
    predicate.has_parts = predicate.has_parts || is_part;
    predicate.terms.push_back(slot.index.Add(term, id));
    slot.term_uses.resize(slot.index.size(), {.likelihood = term.Likelihood()});
  }
}

absl::Status Predicates::Freeze() {
  absl::Status first_failure;
  std::vector<bool> has_parts(slots_.size());
  for (size_t i = 0; i < slots_.size(); ++i) {
    const absl::Status status = slots_[i].index.Freeze();
    has_parts[i] = status.ok();
    first_failure.Update(status);
  }
  for (Predicate& predicate : predicates_) {
    if (predicate.has_parts && !has_parts[predicate.left]) predicate.form = Form::kFree;
  }
  predicate_by_text_ = {};
  slot_by_text_ = {};
  return first_failure;
}

// Longer texts are rarer, and so are constants that few of the rules about this value name.
double Predicates::Likelihood(PredicateId id) const {
  const Predicate& predicate = predicates_[id];
  const Slot& slot = slots_[predicate.left];
  double sum = 0;
  for (const SlotIndex::TermId term : predicate.terms) {
    const TermUse& use = slot.term_uses[term];
    sum += std::max(use.likelihood, use.uses / (1 + slot.uses));
  }
  return std::min(1.0, WalksAncestors(predicate.check->left) ? sum * kAncestorsFactor : sum);
}

void Predicates::Begin(const Event& event, ProcessMemo* memo) {
  event_ = &event;
  memo_ = memo;
  if (++generation_ <= kLastGeneration) return;
  generation_ = 1;
  std::fill(states_.begin(), states_.end(), 0);
  for (Slot& slot : slots_) slot.extracted = slot.looked_up = 0;
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

bool Predicates::IsLookedUp(SlotId id) const {
  const Slot& slot = slots_[id];
  return slot.of_process ? Bit(memo_->looked_up, id) : slot.looked_up == generation_;
}

Predicates::State Predicates::Get(const Predicate& predicate, PredicateId id) const {
  if (!predicate.of_process) {
    const uint32_t state = states_[id];
    return state >> kStateBits == generation_ ? static_cast<State>(state & 3) : State::kUnknown;
  }
  const bool holds = Bit(memo_->holds, predicate.place);
  if (Bit(memo_->decided, predicate.place)) return holds ? State::kHolds : State::kFails;
  return holds ? State::kFound : State::kUnknown;
}

void Predicates::Set(const Predicate& predicate, PredicateId id, State state) {
  if (!predicate.of_process) {
    states_[id] = generation_ << kStateBits | static_cast<uint32_t>(state);
    return;
  }
  SetBit(memo_->holds, predicate.place, state != State::kFails);
  SetBit(memo_->decided, predicate.place, state != State::kFound);
}

absl::Span<const PredicateId> Predicates::LookUp(SlotId id) {
  Slot& slot = slots_[id];
  found_.clear();
  for (const Value& value : Values(id)) {
    ++evaluations_;
    slot.index.Find(value, &found_);
  }
  if (slot.of_process) {
    SetBit(memo_->looked_up, id, true);
  } else {
    slot.looked_up = generation_;
  }
  for (const PredicateId found : found_) {
    const Predicate& predicate = predicates_[found];
    if (predicate.form == Form::kDecided) {
      Set(predicate, found, State::kHolds);
    } else if (Get(predicate, found) == State::kUnknown) {
      Set(predicate, found, State::kFound);
    }
  }
  return found_;
}

bool Predicates::Evaluate(PredicateId id) {
  const Predicate& predicate = predicates_[id];
  State state = Get(predicate, id);
  if (state == State::kHolds || state == State::kFails) return state == State::kHolds;
  if (state == State::kUnknown && predicate.form != Form::kFree) {
    if (!IsLookedUp(predicate.left)) LookUp(predicate.left);
    state = Get(predicate, id);
    if (state == State::kUnknown) state = State::kFails;
  }
  if (state == State::kUnknown || state == State::kFound) {
    ++evaluations_;
    state = Compute(predicate) ? State::kHolds : State::kFails;
  }
  Set(predicate, id, state);
  return state == State::kHolds;
}

bool Predicates::Compute(const Predicate& predicate) {
  const Check& check = *predicate.check;
  const absl::Span<const Value> left = Values(predicate.left);
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
