// SPDX-License-Identifier: Apache-2.0
#include "common/rulelang/compile_extras.h"

#include <memory>
#include <utility>
#include <vector>

#include "common/base/sha256.h"
#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/base/text.h"
#include "common/rulelang/bind_operand.h"
#include "common/rulelang/parser.h"

namespace vakt {
namespace {

bool BindKey(const std::vector<std::string>& names, ItemLabel label, SourcePosition position,
             Diagnostics* diagnostics, std::vector<Operand>* by) {
  for (const std::string& name : names) {
    absl::StatusOr<AstOperand> ast = ParseOperand(name);
    absl::Status status = ast.status();
    if (ast.ok()) {
      // As in outputs: values that can be shown.
      absl::StatusOr<Operand> operand = BindOperand(*ast, OperandUse::kOutput);
      status = operand.status();
      if (operand.ok()) by->push_back(*std::move(operand));
    }
    if (status.ok()) continue;
    diagnostics->Error(kErrValidate, label, position,
                       StrCat("`by`: ", EscapeUtf8(Message(status))));
    return false;
  }
  return true;
}

// Expanded, unlike the text that was written: lists and macros change, too.
void AppendText(const Expr& expr, std::string* out) {
  if (expr.kind == Expr::Kind::kCheck) {
    *out += expr.check->ToText();
    return;
  }
  *out += expr.kind == Expr::Kind::kAnd ? "and(" : expr.kind == Expr::Kind::kOr ? "or(" : "not(";
  for (const auto& child : expr.children) {
    AppendText(*child, out);
    *out += ';';
  }
  *out += ')';
}

void AppendKey(const std::vector<Operand>& by, std::string* out) {
  for (const Operand& operand : by) *out += StrCat(" by ", operand.ToText());
}

}  // namespace

bool CompileExtras(const RuleDefinition& definition, Diagnostics* diagnostics, Rule* rule) {
  const RuleExtras& extras = definition.extras;
  const ItemLabel label = {"rule", definition.name};
  rule->attack = extras.attack;
  rule->controls = extras.controls;
  rule->runbook = extras.runbook;
  if (const auto& from = extras.throttle) {
    Throttle throttle{from->alerts, from->per_ns, {}};
    if (!BindKey(from->by, label, from->position, diagnostics, &throttle.by)) return false;
    rule->throttle = std::make_shared<const Throttle>(std::move(throttle));
  }
  if (const auto& from = extras.correlate) {
    Correlate correlate{from->count, from->within_ns, static_cast<uint32_t>(from->then.size()), {}};
    if (!BindKey(from->by, label, from->position, diagnostics, &correlate.by)) return false;
    rule->correlate = std::make_shared<const Correlate>(std::move(correlate));
  }
  return true;
}

std::string StateHash(absl::Span<const Rule> rules) {
  const Rule& rule = rules.front();
  std::string text;
  if (rule.throttle != nullptr) {
    text += StrCat("throttle ", rule.throttle->alerts, " ", rule.throttle->per_ns);
    AppendKey(rule.throttle->by, &text);
  }
  if (rule.correlate != nullptr) {
    text += StrCat(" correlate ", rule.correlate->count, " ", rule.correlate->within_ns);
    AppendKey(rule.correlate->by, &text);
  }
  for (const Rule& part : rules) {
    text += " if ";
    AppendText(*part.condition, &text);
  }
  return ToHex(Sha256(text));
}

}  // namespace vakt
