// SPDX-License-Identifier: Apache-2.0
#include "agent/match/undecided_rules.h"

#include <algorithm>

#include "common/rulelang/eval.h"

namespace vakt {
namespace {

bool ReadsMetadata(const Operand& operand) {
  if (operand.field != nullptr) return (operand.field->flags & kFieldMetadata) != 0;
  return std::any_of(operand.parts.begin(), operand.parts.end(), ReadsMetadata);
}

bool ReadsMetadata(const Check& check) {
  return ReadsMetadata(check.left) || (check.right != nullptr && ReadsMetadata(*check.right));
}

bool ReadsMetadata(const Expr& expr) {
  if (expr.kind == Expr::Kind::kCheck) return ReadsMetadata(*expr.check);
  return std::any_of(expr.children.begin(), expr.children.end(),
                     [](const auto& child) { return ReadsMetadata(*child); });
}

}  // namespace

UndecidedRules::UndecidedRules(const RuleSet& rules) {
  for (const Rule& rule : rules.rules) {
    if (ReadsMetadata(*rule.condition)) rules_.push_back(&rule);
  }
}

bool UndecidedRules::MayFire(const Event& event) {
  return std::any_of(rules_.begin(), rules_.end(), [&](const Rule* rule) {
    return rule->event_types.Contains(event.type) && MayBe(*rule->condition, true, event);
  });
}

// Whether the condition may come out so. A check of metadata may come out either way.
bool UndecidedRules::MayBe(const Expr& condition, bool outcome, const Event& event) {
  const auto child_may_be = [&](const std::unique_ptr<Expr>& child) {
    return MayBe(*child, outcome, event);
  };
  const auto& children = condition.children;
  switch (condition.kind) {
    case Expr::Kind::kAnd:
      return outcome ? std::all_of(children.begin(), children.end(), child_may_be)
                     : std::any_of(children.begin(), children.end(), child_may_be);
    case Expr::Kind::kOr:
      return outcome ? std::any_of(children.begin(), children.end(), child_may_be)
                     : std::all_of(children.begin(), children.end(), child_may_be);
    case Expr::Kind::kNot:
      return MayBe(*children.front(), !outcome, event);
    case Expr::Kind::kCheck:
      break;
  }
  return ReadsMetadata(*condition.check) || Evaluate(condition, event, scratch_) == outcome;
}

}  // namespace vakt
