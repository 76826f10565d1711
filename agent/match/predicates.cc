// SPDX-License-Identifier: Apache-2.0
#include "agent/match/predicates.h"

#include <algorithm>
#include <cstring>

#include "common/rulelang/eval.h"

namespace vakt {
namespace {

constexpr uint32_t kLastGeneration = (uint32_t{1} << 31) - 1;

// A value's bytes, such that two values of one field are equal exactly if their keys are. Numbers:
// a sign and eight bytes; addresses: a family and sixteen bytes.
class EqualityKey {
 public:
  explicit EqualityKey(const Value& value) {
    switch (value.tag) {
      case Value::Tag::kString:
        view_ = value.string;
        return;
      case Value::Tag::kInt:
        SetNumber(value.int_value < 0, static_cast<uint64_t>(value.int_value));
        return;
      case Value::Tag::kUint:
        SetNumber(false, value.uint_value);
        return;
      case Value::Tag::kBool:
        SetNumber(false, value.bool_value ? 1 : 0);
        return;
      case Value::Tag::kIp:
        buffer_[0] = value.ip.ipv6 ? 1 : 0;
        std::memcpy(buffer_ + 1, value.ip.bytes.data(), value.ip.bytes.size());
        view_ = {buffer_, 1 + value.ip.bytes.size()};
        return;
      case Value::Tag::kNull:
        return;
    }
  }
  EqualityKey(const EqualityKey&) = delete;

  std::string_view view() const { return view_; }

 private:
  void SetNumber(bool negative, uint64_t number) {
    buffer_[0] = negative ? 1 : 0;
    std::memcpy(buffer_ + 1, &number, sizeof(number));
    view_ = {buffer_, 1 + sizeof(number)};
  }

  char buffer_[17];
  std::string_view view_;
};

// Any of the constants will do.
bool AsksForAny(const Check& check) {
  return check.quantifier == Quantifier::kNone || check.quantifier == Quantifier::kAnyOf;
}

bool IsEquality(const Check& check) {
  if (check.right != nullptr || check.left.type == FieldType::kNet) return false;
  switch (check.op->op) {
    case Operator::kEqual:
      return AsksForAny(check);
    case Operator::kIntersects:
      return true;
    case Operator::kIn:
      return !check.left.is_list;  // there it asks for all values
    default:
      return false;
  }
}

bool IsPrefix(const Check& check) {
  return check.op->op == Operator::kStartswith && check.right == nullptr && AsksForAny(check);
}

bool IsOneText(const Check& check) {
  return check.right == nullptr && check.quantifier == Quantifier::kNone &&
         (check.op->shape == Shape::kText || check.op->shape == Shape::kNumber) &&
         check.op->op != Operator::kNotEqual;
}

}  // namespace

SlotId Predicates::AddSlot(const Operand& operand) {
  const auto [entry, is_new] =
      slot_by_text_.try_emplace(operand.ToText(), static_cast<SlotId>(slots_.size()));
  if (is_new) slots_.emplace_back().operand = &operand;
  return entry->second;
}

PredicateId Predicates::Add(const Check& check) {
  const auto id = static_cast<PredicateId>(predicates_.size());
  const auto [entry, is_new] = predicate_by_text_.try_emplace(check.ToText(), id);
  if (!is_new) return entry->second;
  Predicate predicate{&check, AddSlot(check.left), 0, Form::kGeneral};
  if (check.right != nullptr) predicate.right = AddSlot(*check.right);
  if (IsEquality(check)) {
    predicate.form = Form::kEquality;
  } else if (IsPrefix(check)) {
    predicate.form = Form::kPrefix;
  } else if (IsOneText(check)) {
    predicate.form = Form::kOneText;
  }
  AddConstants(predicate, id);
  predicates_.push_back(predicate);
  memo_.push_back(0);
  return id;
}

void Predicates::AddConstants(const Predicate& predicate, PredicateId id) {
  Slot& slot = slots_[predicate.left];
  for (const Literal& literal : predicate.check->literals) {
    if (predicate.form == Form::kEquality) {
      slot.equal[EqualityKey(literal.value()).view()].push_back(id);
    } else if (predicate.form == Form::kPrefix) {
      slot.prefixes.Add(literal.text, id);
    }
  }
}

void Predicates::Begin(const Event& event) {
  event_ = &event;
  if (++generation_ <= kLastGeneration) return;
  generation_ = 1;
  std::fill(memo_.begin(), memo_.end(), 0);
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

void Predicates::AddHit(PredicateId id, Slot* slot) {
  if (memo_[id] == (generation_ << 1 | 1)) return;  // by another constant or value
  Remember(id, true);
  slot->hits.push_back(id);
}

absl::Span<const PredicateId> Predicates::Hits(SlotId id) {
  Slot& slot = slots_[id];
  if (slot.looked_up == generation_) return slot.hits;
  slot.looked_up = generation_;
  slot.hits.clear();
  for (const Value& value : Values(id)) {
    ++evaluations_;
    if (!slot.equal.empty()) {
      const auto found = slot.equal.find(EqualityKey(value).view());
      if (found != slot.equal.end()) {
        for (const PredicateId hit : found->second) AddHit(hit, &slot);
      }
    }
    if (slot.prefixes.size() > 0) {
      slot.prefixes.ForEachPrefixOf(value.string, [&](PredicateId hit) { AddHit(hit, &slot); });
    }
  }
  return slot.hits;
}

bool Predicates::Evaluate(PredicateId id) {
  if (memo_[id] >> 1 == generation_) return (memo_[id] & 1) != 0;
  const Predicate& predicate = predicates_[id];
  if (is_looked_up(id)) {
    Hits(predicate.left);  // remembers those that hold
    if (memo_[id] >> 1 != generation_) Remember(id, false);
    return (memo_[id] & 1) != 0;
  }
  ++evaluations_;
  const bool holds = Compute(predicate);
  Remember(id, holds);
  return holds;
}

bool Predicates::Compute(const Predicate& predicate) {
  const Check& check = *predicate.check;
  const absl::Span<const Value> left = Values(predicate.left);
  if (predicate.form == Form::kOneText) {
    const Literal& literal = check.literals.front();
    const Value right = literal.value();
    return std::any_of(left.begin(), left.end(),
                       [&](const Value& value) { return check.op->test(value, right, &literal); });
  }
  if (check.right == nullptr) return EvaluateCheck(check, left, {});
  return EvaluateCheck(check, left, Values(predicate.right));
}

}  // namespace vakt
