// SPDX-License-Identifier: Apache-2.0
#include "collector/filter/alert_condition.h"

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "collector/filter/alert_fields.h"
#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/base/text.h"
#include "common/rulelang/bind.h"
#include "common/rulelang/eval.h"
#include "common/rulelang/parser.h"

namespace vakt {
namespace {

constexpr size_t kMaxConditionBytes = 16 << 10;
// Each word of the text makes at most one of either.
constexpr BindBudget kBudget = {.nodes = kMaxConditionBytes, .literals = kMaxConditionBytes};

absl::Status Refuse(SourcePosition position, const absl::Status& status) {
  return absl::InvalidArgumentError(StrCat("filter.condition:", position.line, ":", position.column,
                                           ": ", EscapeUtf8(Message(status))));
}

absl::Status RefuseMacros(const Ast& ast) {
  if (ast.kind == Ast::Kind::kMacro) {
    return Refuse(ast.position,
                  absl::InvalidArgumentError(StrCat("\"", ast.macro, "\" is no check")));
  }
  for (const auto& child : ast.children) VAKT_RETURN_IF_ERROR(RefuseMacros(*child));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::shared_ptr<const AlertCondition>> AlertCondition::Compile(
    std::string_view text) {
  if (text.size() > kMaxConditionBytes) {
    return absl::InvalidArgumentError(
        StrCat("filter.condition has ", text.size(), " bytes, the limit is ", kMaxConditionBytes));
  }
  const SourcePosition start = {.line = 1, .column = 1};
  const SourceFile file(text, 0);
  SourcePosition position;
  const absl::StatusOr<std::unique_ptr<Ast>> ast =
      ParseCondition(SourceText::FromScalar(file, start, text), &position);
  if (!ast.ok()) return Refuse(position, ast.status());
  VAKT_RETURN_IF_ERROR(RefuseMacros(**ast));
  Definitions none;
  BindBudget budget = kBudget;
  Binder binder(&none, &budget, FindAlertField);
  absl::StatusOr<std::unique_ptr<Expr>> expr = binder.Bind(**ast);
  if (!expr.ok()) return Refuse(binder.error_position(), expr.status());
  return std::shared_ptr<const AlertCondition>(new AlertCondition(*std::move(expr)));
}

bool AlertCondition::Matches(const v1::StoredRecord& stored) const {
  AlertView view(stored);
  Extractor scratch;
  const auto read = [&view](const Operand& field, Extractor& out) { view.Read(field, out); };
  return Evaluate(*expr_, FieldReader(read), scratch);
}

}  // namespace vakt
