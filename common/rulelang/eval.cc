// SPDX-License-Identifier: Apache-2.0
#include "common/rulelang/eval.h"

#include <algorithm>

namespace vakt {
namespace {

using Values = absl::Span<const Value>;

// `!=` on both ends of a connection (fd.ip, fd.port, fd.net, fd.proto) asks that both differ. On
// other fields that stand for several values (proc.aname) it holds when any of them differs.
bool DiffersFromAll(const Check& check) {
  constexpr uint32_t kBothEnds = kFieldAnyOf | kFieldFilterOnly;
  return check.op->op == Operator::kNotEqual && check.left.field != nullptr &&
         (check.left.field->flags & kBothEnds) == kBothEnds;
}

// The field on the left against one constant.
bool Holds(const Check& check, Values left, const Literal& literal) {
  const Value right = literal.value();
  const auto test = [&](const Value& value) { return check.op->test(value, right, &literal); };
  return DiffersFromAll(check) ? std::all_of(left.begin(), left.end(), test)
                               : std::any_of(left.begin(), left.end(), test);
}

bool HoldsQuantified(const Check& check, Values left) {
  const auto count = static_cast<size_t>(
      std::count_if(check.literals.begin(), check.literals.end(),
                    [&](const Literal& literal) { return Holds(check, left, literal); }));
  switch (check.quantifier) {
    case Quantifier::kOneOf:
      return count == 1;
    case Quantifier::kAllOf:
      return count > 0 && count == check.literals.size();
    case Quantifier::kAnyOf:
    case Quantifier::kNone:
      return count > 0;
  }
  return false;
}

bool InLiterals(const Check& check, const Value& value) {
  return std::any_of(check.literals.begin(), check.literals.end(), [&](const Literal& literal) {
    return check.op->test(value, literal.value(), &literal);
  });
}

bool InValues(const Check& check, const Value& value, Values right) {
  return std::any_of(right.begin(), right.end(),
                     [&](const Value& element) { return check.op->test(value, element, nullptr); });
}

// `in` asks all values of a list field, everything else asks for one value.
template <typename Member>
bool AllOrAny(const Check& check, Values left, Member member) {
  const bool all = check.op->op == Operator::kIn && check.left.is_list;
  return all ? std::all_of(left.begin(), left.end(), member)
             : std::any_of(left.begin(), left.end(), member);
}

bool EvaluateOne(const Check& check, FieldReader read, Extractor& scratch) {
  scratch.Reset();
  ExtractOperand(check.left, read, scratch);
  const size_t left = scratch.values().size();
  if (check.right != nullptr) ExtractOperand(*check.right, read, scratch);
  return EvaluateCheck(check, scratch.values().first(left), scratch.values().subspan(left));
}

}  // namespace

bool EvaluateCheck(const Check& check, Values left, Values right) {
  if (left.empty()) return false;
  if (check.op->shape == Shape::kNothing) return true;
  if (check.right != nullptr) {
    return AllOrAny(check, left, [&](const Value& value) { return InValues(check, value, right); });
  }
  if (check.op->shape == Shape::kList) {
    return AllOrAny(check, left, [&](const Value& value) { return InLiterals(check, value); });
  }
  return HoldsQuantified(check, left);
}

bool Evaluate(const Expr& condition, FieldReader read, Extractor& scratch) {
  const auto holds = [&](const std::unique_ptr<Expr>& child) {
    return Evaluate(*child, read, scratch);
  };
  switch (condition.kind) {
    case Expr::Kind::kAnd:
      return std::all_of(condition.children.begin(), condition.children.end(), holds);
    case Expr::Kind::kOr:
      return std::any_of(condition.children.begin(), condition.children.end(), holds);
    case Expr::Kind::kNot:
      return !holds(condition.children.front());
    case Expr::Kind::kCheck:
      return EvaluateOne(*condition.check, read, scratch);
  }
  return false;
}

bool Evaluate(const Expr& condition, const Event& event, Extractor& scratch) {
  const auto read = [&event](const Operand& field, Extractor& out) {
    field.field->extract(event, field.arg, out);
  };
  return Evaluate(condition, FieldReader(read), scratch);
}

}  // namespace vakt
