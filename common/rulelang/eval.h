// SPDX-License-Identifier: Apache-2.0
// The reference evaluator: walks a condition and does what the language says, nothing clever. The
// matcher is tested against it.
//
// Null rule: a check whose left or right side is null is false, whatever its operator, so that
// `f != x` and `not f = x` differ when f is null.
//
// Threads: thread-compatible; the Extractor is scratch space of the caller.
#ifndef VAKT_COMMON_RULELANG_EVAL_H_
#define VAKT_COMMON_RULELANG_EVAL_H_

#include "absl/types/span.h"
#include "common/event/event.h"
#include "common/event/field_table.h"
#include "common/rulelang/expr.h"
#include "common/rulelang/operand.h"

namespace vakt {

bool Evaluate(const Expr& condition, const Event& event, Extractor& scratch);
// The same with values from elsewhere.
bool Evaluate(const Expr& condition, FieldReader read, Extractor& scratch);

// One check on values that were extracted before: `left` of check.left, `right` of check.right
// (unused when the check has literals).
bool EvaluateCheck(const Check& check, absl::Span<const Value> left, absl::Span<const Value> right);

}  // namespace vakt

#endif  // VAKT_COMMON_RULELANG_EVAL_H_
