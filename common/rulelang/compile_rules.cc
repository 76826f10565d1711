// SPDX-License-Identifier: Apache-2.0
#include "common/rulelang/compile_rules.h"

#include <functional>
#include <set>
#include <utility>

#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/base/text.h"
#include "common/rulelang/bind.h"
#include "common/rulelang/bind_operand.h"
#include "common/rulelang/compile_extras.h"
#include "common/rulelang/exceptions.h"
#include "common/rulelang/parser.h"
#include "common/rulelang/references.h"

namespace vakt {
namespace {

void ParseMacros(Definitions* definitions, Diagnostics* diagnostics) {
  for (const auto& macro : definitions->macros.entries()) {
    SourcePosition position;
    absl::StatusOr<std::unique_ptr<Ast>> ast = ParseCondition(macro->condition, &position);
    if (ast.ok()) {
      macro->ast = *std::move(ast);
      continue;
    }
    diagnostics->Error(kErrCompileCondition, {"macro", macro->name}, position,
                       EscapeUtf8(Message(ast.status())));
  }
}

// False when macros cannot be put in place, because of an error here or earlier.
bool PrepareMacros(Definitions* definitions, Diagnostics* diagnostics) {
  ParseMacros(definitions, diagnostics);
  CheckMacroReferences(definitions, diagnostics);
  return !diagnostics->has_errors();
}

void ForEachCheck(const Expr& expr, const std::function<void(const Expr&)>& visit) {
  if (expr.kind == Expr::Kind::kCheck) visit(expr);
  for (const auto& child : expr.children) ForEachCheck(*child, visit);
}

std::unique_ptr<Ast> MakeNode(Ast::Kind kind, SourcePosition position, std::unique_ptr<Ast> child) {
  auto node = std::make_unique<Ast>();
  node->kind = kind;
  node->position = position;
  node->children.push_back(std::move(child));
  return node;
}

// One rule on its way from definition to Rule; says on the way what is wrong with it.
class RuleCompiler {
 public:
  // Without `macros_ok` conditions are parsed and not bound: macros may be missing or go in
  // circles.
  RuleCompiler(const RuleDefinition& definition, bool macros_ok, Definitions* definitions,
               BindBudget* budget, Diagnostics* diagnostics)
      : definition_(definition),
        macros_ok_(macros_ok),
        definitions_(definitions),
        budget_(budget),
        diagnostics_(diagnostics) {}

  // Null when the rule is to be left out.
  std::unique_ptr<Expr> CompileCondition() {
    const std::unique_ptr<Ast> ast = ParseWithExceptions();
    if (ast == nullptr) return nullptr;
    if (!CheckRuleReferences(*ast, definition_, definitions_, diagnostics_)) return nullptr;
    return macros_ok_ ? BindCondition(*ast) : nullptr;
  }

  // False when the rule is to be left out.
  bool Compile(Rule* rule) {
    rule->condition = CompileCondition();
    if (rule->condition == nullptr || !ParseOutput(rule)) return false;
    CopyProperties(rule);
    if (!CompileExtras(definition_, diagnostics_, rule)) return false;
    rule->event_types = EventTypesOf(*rule->condition);
    rule->kinds = rule->event_types.kinds();
    if (AsksForResult(*rule->condition)) rule->kinds |= rule->event_types.failed_kinds();
    rule->reads_environment = ReadsEnvironment(*rule);
    WarnOfFields(*rule);
    WarnOfEventTypes(*rule);
    return true;
  }

 private:
  ItemLabel label() const { return {"rule", definition_.name}; }

  // An error, unless the rule asks to be left out in such a case.
  void Refuse(std::string_view code, SourcePosition position, const absl::Status& status) {
    const std::string message = EscapeUtf8(Message(status));
    if (absl::IsNotFound(status) && definition_.skip_if_unknown_filter) {
      diagnostics_->Warning(kUnknownFilter, label(), position,
                            StrCat("the rule is left out: ", message));
    } else {
      diagnostics_->Error(code, label(), position, message);
    }
  }

  std::unique_ptr<Ast> Parse(const SourceText& text) {
    SourcePosition position = definition_.position;
    absl::StatusOr<std::unique_ptr<Ast>> ast = ParseCondition(text, &position);
    if (ast.ok()) return *std::move(ast);
    diagnostics_->Error(kErrCompileCondition, label(),
                        position.line == 0 ? definition_.position : position,
                        EscapeUtf8(Message(ast.status())));
    return nullptr;
  }

  // (condition) and not (exception) and not (exception) ...
  std::unique_ptr<Ast> ParseWithExceptions() {
    std::unique_ptr<Ast> all = Parse(definition_.condition);
    if (all == nullptr) return nullptr;
    for (const ExceptionDefinition& exception : definition_.exceptions) {
      std::string text = ExceptionCondition(exception);
      if (text.empty()) continue;
      std::unique_ptr<Ast> ast = Parse(SourceText(std::move(text), exception.position));
      if (ast == nullptr) return nullptr;
      if (all->kind != Ast::Kind::kAnd) {
        const SourcePosition position = all->position;
        all = MakeNode(Ast::Kind::kAnd, position, std::move(all));
      }
      all->children.push_back(MakeNode(Ast::Kind::kNot, exception.position, std::move(ast)));
    }
    return all;
  }

  std::unique_ptr<Expr> BindCondition(const Ast& ast) {
    Binder binder(definitions_, budget_);
    absl::StatusOr<std::unique_ptr<Expr>> expr = binder.Bind(ast);
    if (!expr.ok()) {
      Refuse(kErrCompileCondition, binder.error_position(), expr.status());
      return nullptr;
    }
    for (const BindWarning& warning : binder.warnings()) {
      diagnostics_->Warning(kCompileCondition, label(), warning.position,
                            EscapeUtf8(warning.message));
    }
    return *std::move(expr);
  }

  // %container.info once stood for some fields of the container, and stands for nothing today.
  std::string WithoutContainerInfo() {
    constexpr std::string_view kToken = "%container.info";
    std::string output = definition_.output;
    if (output.find(kToken) == std::string::npos) return output;
    diagnostics_->Warning(kDeprecatedItem, label(), definition_.output_position,
                          "%container.info is deprecated and prints nothing; name the fields");
    return absl::StrReplaceAll(output, {{ToAbsl(kToken), ""}});
  }

  bool ParseOutput(Rule* rule) {
    std::string text = WithoutContainerInfo();
    for (const OutputAddition& addition : definitions_->additions) {
      if (!Concerns(addition)) continue;
      if (!addition.output.empty()) text += StrCat(" ", addition.output);
      rule->suggested_output &= addition.suggested;
      for (const OutputAddition::Field& field : addition.fields) {
        const std::string format = field.format.empty() ? StrCat("%", field.name) : field.format;
        rule->extra_fields.emplace_back(field.name, OutputFormat());
        if (!ParseFormat(format, &rule->extra_fields.back().second)) return false;
      }
    }
    return ParseFormat(text, &rule->output);
  }

  bool Concerns(const OutputAddition& addition) const {
    return addition.AppliesTo(definition_.name, definition_.source, definition_.tags);
  }

  bool ParseFormat(std::string_view text, OutputFormat* format) {
    absl::StatusOr<OutputFormat> parsed = OutputFormat::Parse(text, definitions_->static_fields);
    if (parsed.ok()) {
      *format = *std::move(parsed);
      return true;
    }
    Refuse(kErrCompileOutput, definition_.output_position, parsed.status());
    return false;
  }

  void CopyProperties(Rule* rule) const {
    rule->name = definition_.name;
    rule->desc = definition_.desc;
    rule->source = definition_.source;
    rule->priority = definition_.priority;
    rule->tags.assign(definition_.tags.begin(), definition_.tags.end());
    rule->enabled = definition_.enabled;
    rule->condition_text = definition_.condition.text();
    rule->output_text = definition_.output;
    rule->position = definition_.position;
  }

  // Whether the condition or what the alert shows looks at environments.
  static bool ReadsEnvironment(const Rule& rule) {
    bool reads = false;
    const auto note = [&](const Operand& operand) {
      reads |= (operand.field->flags & kFieldEnvironment) != 0;
    };
    ForEachCheck(*rule.condition, [&](const Expr& expr) {
      ForEachField(expr.check->left, note);
      if (expr.check->right != nullptr) ForEachField(*expr.check->right, note);
    });
    const auto note_all = [&](const OutputFormat& format) {
      for (const OutputFormat::Token& token : format.tokens()) ForEachField(token.operand, note);
    };
    note_all(rule.output);
    for (const auto& [name, format] : rule.extra_fields) note_all(format);
    return reads;
  }

  // Whether the condition looks at the result of the call. Failed attempts that have hooks of their
  // own are reported to such rules alone.
  static bool AsksForResult(const Expr& condition) {
    bool asks = false;
    ForEachCheck(condition, [&](const Expr& expr) {
      const auto note = [&](const Operand& operand) {
        const std::string_view name = operand.field->name;
        asks |= name == "evt.res" || name == "evt.rawres" || name == "evt.failed" ||
                name.starts_with("evt.count.error") ||
                (name.starts_with("evt.") && operand.arg.text == "res");
      };
      ForEachField(expr.check->left, note);
      if (expr.check->right != nullptr) ForEachField(*expr.check->right, note);
    });
    return asks;
  }

  // One warning for all fields of a kind, at the first of them.
  void WarnOfFields(const Rule& rule) {
    std::set<std::string> missing;
    std::set<std::string> deprecated;
    SourcePosition position = definition_.position;
    ForEachCheck(*rule.condition, [&](const Expr& expr) {
      const auto note = [&](const Operand& operand) {
        if ((operand.field->flags & kFieldNotImplemented) != 0) {
          if (missing.empty()) position = expr.position;
          missing.insert(operand.ToText());
        }
        if ((operand.field->flags & kFieldDeprecated) != 0) deprecated.insert(operand.ToText());
      };
      ForEachField(expr.check->left, note);
      if (expr.check->right != nullptr) ForEachField(*expr.check->right, note);
    });
    for (const OutputFormat::Token& token : rule.output.tokens()) {
      if (token.field() != nullptr && (token.field()->flags & kFieldDeprecated) != 0) {
        deprecated.insert(token.name);
      }
    }
    if (!missing.empty()) {
      diagnostics_->Warning(
          kNotImplemented, label(), position,
          StrCat("always null here, so that checks of them fail: ", absl::StrJoin(missing, ", ")));
    }
    if (!deprecated.empty()) {
      diagnostics_->Warning(kDeprecatedItem, label(), definition_.position,
                            StrCat("deprecated fields: ", absl::StrJoin(deprecated, ", ")));
    }
  }

  void WarnOfEventTypes(const Rule& rule) {
    if (definition_.warn_evttypes && rule.event_types.is_open()) {
      diagnostics_->Warning(kNoEvttype, label(), definition_.position,
                            StrCat("evaluated on ", rule.event_types.size(),
                                   " types of events; begin the condition with evt.type in (...)"));
    }
    if (rule.kinds == 0 && !rule.event_types.empty()) {
      diagnostics_->Warning(kNoProbe, label(), definition_.position,
                            "no probe reports the rule's event types yet: it never fires");
    }
  }

  const RuleDefinition& definition_;
  bool macros_ok_;
  Definitions* definitions_;
  BindBudget* budget_;
  Diagnostics* diagnostics_;
};

// The conditions of `then`, each as a rule of its own. False when the rule is to be left out.
bool CompileSteps(const RuleDefinition& definition, const Rule& rule, bool macros_ok,
                  Definitions* definitions, BindBudget* budget, Diagnostics* diagnostics,
                  std::vector<Rule>* steps) {
  if (!definition.extras.correlate.has_value()) return true;
  for (const SourceText& condition : definition.extras.correlate->then) {
    RuleDefinition part;
    part.name = definition.name;
    part.condition = condition;
    part.position = condition.PositionOf(0);
    part.priority = definition.priority;
    part.warn_evttypes = definition.warn_evttypes;
    part.skip_if_unknown_filter = definition.skip_if_unknown_filter;
    Rule step;
    if (!RuleCompiler(part, macros_ok, definitions, budget, diagnostics).Compile(&step)) {
      return false;
    }
    step.step = static_cast<uint32_t>(steps->size()) + 1;
    step.name = StrCat(rule.name, ", then ", step.step);
    step.position = part.position;
    steps->push_back(std::move(step));
  }
  return true;
}

}  // namespace

std::vector<Rule> CompileRules(Definitions* definitions, absl::Span<const RuleFile> files,
                               absl::Span<const RuleSelection> selections,
                               Diagnostics* diagnostics) {
  const bool macros_ok = PrepareMacros(definitions, diagnostics);
  std::vector<Rule> rules;
  BindBudget budget;
  for (const auto& definition : definitions->rules.entries()) {
    if (definition->unknown_source) continue;
    Rule rule;
    RuleCompiler compiler(*definition, macros_ok, definitions, &budget, diagnostics);
    if (!compiler.Compile(&rule)) continue;
    std::vector<Rule> parts;
    if (!CompileSteps(*definition, rule, macros_ok, definitions, &budget, diagnostics, &parts) ||
        !IsSelected(selections, rule.name, definition->tags, rule.enabled)) {
      continue;
    }
    parts.insert(parts.begin(), std::move(rule));
    if (parts[0].throttle != nullptr || parts[0].correlate != nullptr) {
      parts[0].state_hash = StateHash(parts);
    }
    for (Rule& part : parts) {
      part.index = static_cast<uint32_t>(rules.size());
      part.file = files[static_cast<size_t>(part.position.file)].path;
      rules.push_back(std::move(part));
    }
  }
  WarnOfUnused(definitions, diagnostics);
  return rules;
}

std::unique_ptr<Expr> CompileCondition(const SourceText& condition, Definitions* definitions,
                                       Diagnostics* diagnostics) {
  BindBudget budget;
  RuleDefinition definition;  // without a name: it is no rule
  definition.condition = condition;
  definition.position = condition.PositionOf(0);
  const bool macros_ok = PrepareMacros(definitions, diagnostics);
  RuleCompiler compiler(definition, macros_ok, definitions, &budget, diagnostics);
  return compiler.CompileCondition();
}

}  // namespace vakt
