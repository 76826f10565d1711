// SPDX-License-Identifier: Apache-2.0
// Why a condition holds for an event, or why not: the condition's shape, with what each check saw.
//
// Ownership: a tree of values. Threads: a value type.
#ifndef VAKT_CLI_EXPLANATION_H_
#define VAKT_CLI_EXPLANATION_H_

#include <string>
#include <vector>

#include "common/event/event.h"
#include "common/rulelang/expr.h"

namespace vakt {

struct Explanation {
  std::string text;                 // "and", "or", "not", or the check
  std::vector<std::string> values;  // of the check's left side; empty: it is null
  bool is_check = false;
  bool holds = false;
  // The outcome of the whole rests on this: the first part of an `and` that does not hold, the
  // first of an `or` that holds; all parts where all were needed.
  bool decides = false;
  std::vector<Explanation> parts;
};

Explanation Explain(const Expr& condition, const Event& event);

}  // namespace vakt

#endif  // VAKT_CLI_EXPLANATION_H_
