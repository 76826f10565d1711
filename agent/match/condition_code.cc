// SPDX-License-Identifier: Apache-2.0
#include "agent/match/condition_code.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace vakt {
namespace {

// A set of predicates that is hit by more than this share of events is not worth looking up.
constexpr double kMaxHitRate = 0.5;

// A process is looked up once and an event of its own each time, so that a predicate that is found
// a few times more often is still the better one.
constexpr double kProcessAdvantage = 8;

uint32_t OperatorCost(const Check& check) {
  const auto count = static_cast<uint32_t>(std::max<size_t>(check.literals.size(), 1));
  switch (check.op->op) {
    case Operator::kContains:
    case Operator::kBcontains:
      return 4 * count;
    case Operator::kIcontains:
    case Operator::kPmatch:
      return 10 * count;
    case Operator::kGlob:
    case Operator::kIglob:
      return 15 * count;
    case Operator::kRegex:
      return 40 * count;
    default:
      return count;
  }
}

uint32_t OperandCost(const Operand& operand) {
  if (operand.kind == Operand::Kind::kCall) {
    uint32_t cost = 20;
    for (const Operand& part : operand.parts) cost += OperandCost(part);
    return cost;
  }
  const bool walks_ancestors =
      operand.field != nullptr && !operand.arg.present && (operand.field->flags & kFieldAnyOf) != 0;
  return walks_ancestors ? 20 : 2;
}

uint32_t CostOf(PredicateId id, const Predicates& predicates) {
  const Check& check = predicates.check(id);
  const uint32_t right = check.right != nullptr ? OperandCost(*check.right) : 0;
  return OperandCost(check.left) + right + OperatorCost(check);
}

Condition Constant(bool value) {
  Condition condition;
  condition.kind = value ? Condition::Kind::kTrue : Condition::Kind::kFalse;
  return condition;
}

// Builds conditions from expressions; `negated` pushes a `not` down to the checks.
class Simplifier {
 public:
  Simplifier(const Decide& decide, Predicates* predicates)
      : decide_(decide), predicates_(predicates) {}

  Condition Of(const Expr& expr, bool negated) {
    switch (expr.kind) {
      case Expr::Kind::kNot:
        return Of(*expr.children.front(), !negated);
      case Expr::Kind::kCheck:
        return OfCheck(*expr.check, negated);
      case Expr::Kind::kAnd:
      case Expr::Kind::kOr:
        break;
    }
    const bool is_and = (expr.kind == Expr::Kind::kAnd) != negated;
    return OfChain(expr, is_and, negated);
  }

 private:
  Condition OfCheck(const Check& check, bool negated) {
    const Decision decision = decide_(check);
    if (decision != Decision::kOpen) return Constant((decision == Decision::kHolds) != negated);
    Condition condition;
    condition.kind = Condition::Kind::kPredicate;
    condition.negated = negated;
    condition.predicate = predicates_->Add(check);
    condition.cost = CostOf(condition.predicate, *predicates_);
    return condition;
  }

  Condition OfChain(const Expr& expr, bool is_and, bool negated) {
    Condition chain;
    chain.kind = is_and ? Condition::Kind::kAnd : Condition::Kind::kOr;
    const Condition::Kind neutral = is_and ? Condition::Kind::kTrue : Condition::Kind::kFalse;
    const Condition::Kind decisive = is_and ? Condition::Kind::kFalse : Condition::Kind::kTrue;
    for (const auto& child : expr.children) {
      Condition part = Of(*child, negated);
      if (part.kind == decisive) return part;
      if (part.kind == neutral) continue;
      if (part.kind == chain.kind) {
        std::move(part.parts.begin(), part.parts.end(), std::back_inserter(chain.parts));
      } else {
        chain.parts.push_back(std::move(part));
      }
    }
    if (chain.parts.empty()) return Constant(is_and);
    if (chain.parts.size() == 1) return Condition(std::move(chain.parts.front()));
    std::stable_sort(chain.parts.begin(), chain.parts.end(),
                     [](const Condition& a, const Condition& b) { return a.cost < b.cost; });
    for (const Condition& part : chain.parts) chain.cost += part.cost;
    return chain;
  }

  const Decide& decide_;
  Predicates* predicates_;
};

enum class Scope : uint8_t { kProcess, kEvent };

// Predicates of which one must hold, and how often one of them can be expected to be found.
struct Required {
  std::vector<PredicateId> predicates;
  double hit_rate = 1;
};

Required RequiredOf(const Condition& condition, const Predicates& predicates, Scope scope) {
  Required best;
  switch (condition.kind) {
    case Condition::Kind::kPredicate: {
      const PredicateId id = condition.predicate;
      const bool in_scope = predicates.depends_on_process_alone(id) == (scope == Scope::kProcess);
      if (condition.negated || !in_scope || !predicates.has_terms(id)) return best;
      return {{id}, predicates.Likelihood(id)};
    }
    case Condition::Kind::kAnd:
      for (const Condition& part : condition.parts) {
        Required required = RequiredOf(part, predicates, scope);
        if (required.hit_rate < best.hit_rate) best = std::move(required);
      }
      return best;
    case Condition::Kind::kOr:
      best.hit_rate = 0;
      for (const Condition& part : condition.parts) {
        Required required = RequiredOf(part, predicates, scope);
        if (required.predicates.empty()) return {};
        best.hit_rate += required.hit_rate;
        best.predicates.insert(best.predicates.end(), required.predicates.begin(),
                               required.predicates.end());
      }
      return best;
    case Condition::Kind::kTrue:
    case Condition::Kind::kFalse:
      return best;
  }
  return best;
}

bool DependsOnProcessAlone(const Condition& condition, const Predicates& predicates) {
  if (condition.kind == Condition::Kind::kPredicate) {
    return predicates.depends_on_process_alone(condition.predicate);
  }
  return std::all_of(condition.parts.begin(), condition.parts.end(), [&](const Condition& part) {
    return DependsOnProcessAlone(part, predicates);
  });
}

// The conjunction of the parts.
Condition And(std::vector<Condition> parts) {
  if (parts.empty()) return Constant(true);
  if (parts.size() == 1) return std::move(parts.front());
  Condition all;
  all.kind = Condition::Kind::kAnd;
  for (const Condition& part : parts) all.cost += part.cost;
  all.parts = std::move(parts);
  return all;
}

}  // namespace

Condition Simplify(const Expr& expr, const Decide& decide, Predicates* predicates) {
  return Simplifier(decide, predicates).Of(expr, /*negated=*/false);
}

SplitCondition Split(const Condition& condition, const Predicates& predicates) {
  if (DependsOnProcessAlone(condition, predicates)) return {condition, Constant(true)};
  if (condition.kind != Condition::Kind::kAnd) return {Constant(true), condition};
  std::vector<Condition> of_process, rest;
  for (const Condition& part : condition.parts) {
    (DependsOnProcessAlone(part, predicates) ? of_process : rest).push_back(part);
  }
  return {And(std::move(of_process)), And(std::move(rest))};
}

Access AccessTo(const Condition& condition, const Predicates& predicates) {
  Required of_process = RequiredOf(condition, predicates, Scope::kProcess);
  Required of_event = RequiredOf(condition, predicates, Scope::kEvent);
  Access access;
  access.of_process = of_process.hit_rate <= kMaxHitRate &&
                      of_process.hit_rate <= of_event.hit_rate * kProcessAdvantage;
  Required& best = access.of_process ? of_process : of_event;
  if (best.hit_rate > kMaxHitRate) return {};
  access.predicates = std::move(best.predicates);
  std::sort(access.predicates.begin(), access.predicates.end());
  access.predicates.erase(std::unique(access.predicates.begin(), access.predicates.end()),
                          access.predicates.end());
  return access;
}

ConditionCode::Label ConditionCode::Append(const Condition& condition) {
  return Emit(condition, kAccept, kReject);
}

// Backwards: a part is emitted when it is known where to go after it.
ConditionCode::Label ConditionCode::Emit(const Condition& condition, Label if_true,
                                         Label if_false) {
  switch (condition.kind) {
    case Condition::Kind::kTrue:
      return if_true;
    case Condition::Kind::kFalse:
      return if_false;
    case Condition::Kind::kPredicate:
      if (condition.negated) std::swap(if_true, if_false);
      code_.push_back({condition.predicate, if_true, if_false});
      return static_cast<Label>(code_.size() - 1);
    case Condition::Kind::kAnd:
      for (auto part = condition.parts.rbegin(); part != condition.parts.rend(); ++part) {
        if_true = Emit(*part, if_true, if_false);
      }
      return if_true;
    case Condition::Kind::kOr:
      for (auto part = condition.parts.rbegin(); part != condition.parts.rend(); ++part) {
        if_false = Emit(*part, if_true, if_false);
      }
      return if_false;
  }
  return if_false;
}

bool ConditionCode::Run(Label begin, Predicates& predicates) const {
  Label at = begin;
  while (at < kReject) {
    const Instruction& instruction = code_[at];
    at = predicates.Evaluate(instruction.predicate) ? instruction.if_true : instruction.if_false;
  }
  return at == kAccept;
}

}  // namespace vakt
