// SPDX-License-Identifier: Apache-2.0
#include "cli/explanation.h"

#include <algorithm>

#include "common/event/field_table.h"
#include "common/rulelang/eval.h"
#include "common/rulelang/operand.h"
#include "common/rulelang/output_format.h"

namespace vakt {
namespace {

Explanation OfCheck(const Check& check, const Event& event) {
  Explanation out;
  out.is_check = true;
  out.text = check.ToText();
  Extractor values;
  ExtractOperand(check.left, event, values);
  const size_t left = values.values().size();
  if (check.right != nullptr) ExtractOperand(*check.right, event, values);
  out.holds = EvaluateCheck(check, values.values().first(left), values.values().subspan(left));
  for (const Value& value : values.values().first(left)) out.values.push_back(ValueText(value));
  return out;
}

Explanation Of(const Expr& expr, const Event& event) {
  if (expr.kind == Expr::Kind::kCheck) return OfCheck(*expr.check, event);
  Explanation out;
  for (const auto& child : expr.children) out.parts.push_back(Of(*child, event));
  const auto holds = [](const Explanation& part) { return part.holds; };
  switch (expr.kind) {
    case Expr::Kind::kAnd:
      out.text = "and";
      out.holds = std::all_of(out.parts.begin(), out.parts.end(), holds);
      break;
    case Expr::Kind::kOr:
      out.text = "or";
      out.holds = std::any_of(out.parts.begin(), out.parts.end(), holds);
      break;
    default:
      out.text = "not";
      out.holds = !out.parts.front().holds;
      break;
  }
  return out;
}

void MarkDeciding(Explanation* explanation) {
  explanation->decides = true;
  const bool is_not = explanation->text == "not" && !explanation->is_check;
  // One part is enough for an `and` to fail and for an `or` to hold.
  const bool one_is_enough = !is_not && (explanation->text == "or") == explanation->holds;
  for (Explanation& part : explanation->parts) {
    if (!is_not && part.holds != explanation->holds) continue;
    MarkDeciding(&part);
    if (one_is_enough) return;
  }
}

}  // namespace

Explanation Explain(const Expr& condition, const Event& event) {
  Explanation explanation = Of(condition, event);
  MarkDeciding(&explanation);
  return explanation;
}

}  // namespace vakt
