// SPDX-License-Identifier: Apache-2.0
// Conditions as jump code: a list of "evaluate this predicate; if it holds go there, else there".
// Negations are gone, conditions on the event's type are decided, and cheap predicates come first
// (no check has side effects, so `and` and `or` may be reordered).
//
// Ownership: values. Threads: immutable once made.
#ifndef VAKT_AGENT_MATCH_CONDITION_CODE_H_
#define VAKT_AGENT_MATCH_CONDITION_CODE_H_

#include <cstdint>
#include <functional>
#include <limits>
#include <vector>

#include "agent/match/predicates.h"
#include "common/rulelang/expr.h"

namespace vakt {

// A condition in negation normal form, decided as far as the event's type decides it.
struct Condition {
  enum class Kind : uint8_t { kAnd, kOr, kPredicate, kTrue, kFalse };

  Kind kind = Kind::kTrue;
  bool negated = false;  // kPredicate
  PredicateId predicate = 0;
  uint32_t cost = 0;             // of evaluating all of it, in tens of nanoseconds or so
  std::vector<Condition> parts;  // kAnd, kOr: two or more, cheapest first
};

// Says of a check whether the event's type decides it: true, false, or not at all.
enum class Decision : uint8_t { kOpen, kHolds, kFails };
using Decide = std::function<Decision(const Check&)>;

Condition Simplify(const Expr& expr, const Decide& decide, Predicates* predicates);

// What leads to a rule: predicates of which at least one must hold for its condition to hold, and
// which are the least likely to be found. They depend on the process alone, or none of them does.
struct Access {
  std::vector<PredicateId> predicates;  // empty: nothing does, look at the rule for each event
  bool of_process = false;
};
Access AccessTo(const Condition& condition, const Predicates& predicates);

// Two conditions that hold together exactly if the condition does.
struct SplitCondition {
  Condition of_process;  // depends on the process alone
  Condition rest;
};
SplitCondition Split(const Condition& condition, const Predicates& predicates);

class ConditionCode {
 public:
  using Label = uint32_t;

  // Appends code for the condition and returns where it begins.
  Label Append(const Condition& condition);
  bool Run(Label begin, Predicates& predicates) const;

 private:
  static constexpr Label kAccept = std::numeric_limits<Label>::max();
  static constexpr Label kReject = kAccept - 1;

  struct Instruction {
    PredicateId predicate;
    Label if_true;
    Label if_false;
  };

  Label Emit(const Condition& condition, Label if_true, Label if_false);

  std::vector<Instruction> code_;
};

}  // namespace vakt

#endif  // VAKT_AGENT_MATCH_CONDITION_CODE_H_
