// SPDX-License-Identifier: Apache-2.0
#include "common/rulelang/event_types.h"

#include <algorithm>
#include <bit>

#include "common/rulelang/expr.h"

namespace vakt {
namespace {

constexpr size_t kWordBits = 64;
constexpr size_t kManyEventTypes = 100;  // more than any rule names

size_t NoTypeBit() { return AllEventTypes().size(); }

size_t BitOf(EventTypeId type) { return type == kNoEventType ? NoTypeBit() : type; }

// Types on which a condition may be true, and on which it may be false. Negation swaps the two, so
// both are kept.
struct Bounds {
  EventTypeSet may_hold;
  EventTypeSet may_fail;
};

Bounds Anything() { return {EventTypeSet::All(), EventTypeSet::All()}; }

bool IsField(const Check& check, std::string_view name) {
  return check.left.kind == Operand::Kind::kField && check.left.field->name == name;
}

// The types on which the field (evt.type, syscall.type) has a value.
EventTypeSet TypesWith(const Check& check) {
  const bool calls_only = IsField(check, "syscall.type");
  EventTypeSet set;
  for (const EventTypeRow& row : AllEventTypes()) {
    if (!calls_only || row.x86_64_nr >= 0) set.Add(row.id);
  }
  return set;
}

// evt.type = a, evt.type in (a, b) and so on: exact. Where the field is null the check is false.
Bounds OfTypeCheck(const Check& check) {
  if (check.quantifier != Quantifier::kNone) return Anything();
  const EventTypeSet typed = TypesWith(check);
  EventTypeSet named;
  for (const Literal& literal : check.literals) {
    if (const EventTypeRow* row = FindEventType(literal.text)) named.Add(row->id);
  }
  named.IntersectWith(typed);
  Bounds bounds;
  switch (check.op->op) {
    case Operator::kExists:
      bounds.may_hold = typed;
      break;
    case Operator::kEqual:
    case Operator::kIn:
    case Operator::kIntersects:
      bounds.may_hold = named;
      break;
    case Operator::kNotEqual:
      bounds.may_hold = typed;
      bounds.may_hold.Subtract(named);
      break;
    default:
      return Anything();
  }
  bounds.may_fail = EventTypeSet::All();
  bounds.may_fail.Subtract(bounds.may_hold);
  return bounds;
}

// Whether some event number, counted from 1, satisfies the check, and whether some does not. Rules
// use evt.num = 0 for "never" and evt.num >= 0 for "always".
Bounds OfNumCheck(const Check& check) {
  bool holds = false;
  bool fails = false;
  uint64_t largest = 0;
  for (const Literal& literal : check.literals) {
    if (literal.tag == Value::Tag::kUint) largest = std::max(largest, literal.uint_value);
  }
  switch (check.op->op) {
    case Operator::kEqual:
    case Operator::kIn:
    case Operator::kIntersects:
    case Operator::kLessEqual:
      holds = largest >= 1;
      fails = true;
      break;
    case Operator::kLess:
      holds = largest > 1;
      fails = true;
      break;
    case Operator::kNotEqual:
    case Operator::kGreater:
      holds = true;
      fails = largest >= 1;
      break;
    case Operator::kGreaterEqual:
      holds = true;
      fails = largest > 1;
      break;
    case Operator::kExists:
      holds = true;
      break;
    default:
      return Anything();
  }
  if (check.quantifier != Quantifier::kNone || check.right != nullptr) return Anything();
  return {holds ? EventTypeSet::All() : EventTypeSet(),
          fails ? EventTypeSet::All() : EventTypeSet()};
}

Bounds OfCheck(const Check& check) {
  if (IsField(check, "evt.type") || IsField(check, "syscall.type")) return OfTypeCheck(check);
  if (IsField(check, "evt.num")) return OfNumCheck(check);
  const bool nothing_to_equal = check.literals.empty() && check.right == nullptr;
  if (nothing_to_equal && check.op->shape != Shape::kNothing) {
    return {EventTypeSet(), EventTypeSet::All()};  // in (): never
  }
  return Anything();
}

Bounds Of(const Expr& condition) {
  if (condition.kind == Expr::Kind::kCheck) return OfCheck(*condition.check);
  Bounds bounds = Of(*condition.children.front());
  if (condition.kind == Expr::Kind::kNot) {
    std::swap(bounds.may_hold, bounds.may_fail);
    return bounds;
  }
  for (size_t i = 1; i < condition.children.size(); ++i) {
    const Bounds other = Of(*condition.children[i]);
    if (condition.kind == Expr::Kind::kAnd) {
      bounds.may_hold.IntersectWith(other.may_hold);
      bounds.may_fail.UniteWith(other.may_fail);
    } else {
      bounds.may_hold.UniteWith(other.may_hold);
      bounds.may_fail.IntersectWith(other.may_fail);
    }
  }
  return bounds;
}

}  // namespace

EventTypeSet EventTypeSet::All() {
  EventTypeSet set;
  const size_t bits = NoTypeBit() + 1;
  set.words_.assign((bits + kWordBits - 1) / kWordBits, ~uint64_t{0});
  if (bits % kWordBits != 0) set.words_.back() >>= kWordBits - bits % kWordBits;
  return set;
}

void EventTypeSet::Add(EventTypeId type) {
  const size_t bit = BitOf(type);
  if (words_.size() <= bit / kWordBits) words_.resize(bit / kWordBits + 1);
  words_[bit / kWordBits] |= uint64_t{1} << bit % kWordBits;
}

bool EventTypeSet::Contains(EventTypeId type) const {
  const size_t bit = BitOf(type);
  return bit / kWordBits < words_.size() && (words_[bit / kWordBits] >> bit % kWordBits & 1) != 0;
}

bool EventTypeSet::empty() const {
  return std::all_of(words_.begin(), words_.end(), [](uint64_t word) { return word == 0; });
}

size_t EventTypeSet::size() const {
  size_t count = 0;
  for (const uint64_t word : words_) count += static_cast<size_t>(std::popcount(word));
  return count - (Contains(kNoEventType) ? 1 : 0);
}

bool EventTypeSet::is_all() const { return words_ == All().words_; }

bool EventTypeSet::is_open() const { return size() > kManyEventTypes; }

KindSet EventTypeSet::kinds() const {
  KindSet kinds = 0;
  for (const EventTypeRow& row : AllEventTypes()) {
    if (row.kind != Kind::none && Contains(row.id)) kinds |= KindBit(row.kind);
  }
  return is_open() ? kinds & kKindsOfAnyRule : kinds;
}

KindSet EventTypeSet::failed_kinds() const {
  KindSet kinds = 0;
  for (const EventTypeRow& row : AllEventTypes()) {
    if (row.failed != Kind::none && Contains(row.id)) kinds |= KindBit(row.failed);
  }
  return is_open() ? 0 : kinds;
}

void EventTypeSet::IntersectWith(const EventTypeSet& other) {
  if (words_.size() > other.words_.size()) words_.resize(other.words_.size());
  for (size_t i = 0; i < words_.size(); ++i) words_[i] &= other.words_[i];
}

void EventTypeSet::UniteWith(const EventTypeSet& other) {
  if (words_.size() < other.words_.size()) words_.resize(other.words_.size());
  for (size_t i = 0; i < other.words_.size(); ++i) words_[i] |= other.words_[i];
}

void EventTypeSet::Subtract(const EventTypeSet& other) {
  const size_t common = std::min(words_.size(), other.words_.size());
  for (size_t i = 0; i < common; ++i) words_[i] &= ~other.words_[i];
}

EventTypeSet EventTypesOf(const Expr& condition) { return Of(condition).may_hold; }

}  // namespace vakt
