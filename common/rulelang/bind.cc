// SPDX-License-Identifier: Apache-2.0
#include "common/rulelang/bind.h"

#include <algorithm>
#include <utility>

#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/event/kind.h"
#include "common/rulelang/bind_operand.h"
#include "common/rulelang/literal.h"
#include "common/rulelang/parser.h"
#include "common/rulelang/scanner.h"
#include "common/rulelang/transformers.h"

namespace vakt {
namespace {

constexpr size_t kMaxListNesting = 100;

bool IsEventType(const Operand& operand) {
  return operand.field != nullptr &&
         (operand.field->name == "evt.type" || operand.field->name == "syscall.type");
}

absl::Status CheckTypes(const Check& check) {
  const Operand& left = check.left;
  const bool fits =
      (check.op->types & TypeBit(left.type)) != 0 &&
      (!left.is_list || (check.op->takes_lists && check.quantifier == Quantifier::kNone));
  if (fits) return absl::OkStatus();
  return absl::InvalidArgumentError(StrCat(left.ToText(), " is a ",
                                           left.is_list ? "list" : FieldTypeName(left.type), ": '",
                                           check.op->name, "' does not apply to it"));
}

absl::Status CheckRight(const Check& check) {
  const Operand& right = *check.right;
  if (IsEventType(check.left) || check.left.type == FieldType::kNet) {
    return absl::InvalidArgumentError(
        StrCat(check.left.ToText(), " may be compared with constants only"));
  }
  if (check.op->op == Operator::kRegex || check.op->hex) {
    return absl::InvalidArgumentError(StrCat("'", check.op->name, "' takes constants, no fields"));
  }
  if (right.is_list && check.op->shape != Shape::kList) {
    return absl::InvalidArgumentError(
        StrCat(right.ToText(), " is a list; compare with in or intersects"));
  }
  if (check.left.type == right.type) return absl::OkStatus();
  return absl::InvalidArgumentError(
      StrCat(check.left.ToText(), " is a ", FieldTypeName(check.left.type), " and ", right.ToText(),
             " a ", FieldTypeName(right.type), ": they do not compare"));
}

// A constant that reads like a field or like a function was perhaps meant as one.
std::string DoubtfulConstant(const AstValue& value, FieldFinder find) {
  if (value.quoted) return "";
  FieldArg arg;
  if (ResolveField(value.text, &arg, find) != nullptr) {
    return StrCat("'", value.text, "' is compared as text; write val(", value.text,
                  ") for the field");
  }
  if (FindTransformer(value.text) != nullptr) {
    return StrCat("'", value.text, "' is compared as text; write ", value.text,
                  "(...) for the transformer");
  }
  return "";
}

bool IsNumber(std::string_view text) {
  Scanner scan(text);
  return !scan.TakeNumber().empty() && scan.at_end();
}

// The operator that does what the regular expression does, which must match all of the value; empty
// when there is none.
std::string_view SimplerThanRegex(std::string_view text) {
  constexpr std::string_view kAnything = ".*";
  const bool at_begin = !text.starts_with(kAnything);
  if (!at_begin) text.remove_prefix(kAnything.size());
  const bool at_end = !text.ends_with(kAnything);
  if (!at_end) text.remove_suffix(kAnything.size());
  if (text.empty() || text.find_first_of("\\^$.|?*+()[]{}") != std::string_view::npos) return "";
  if (at_begin) return at_end ? "=" : "startswith";
  return at_end ? "endswith" : "contains";
}

}  // namespace

absl::Status Binder::At(SourcePosition position, absl::Status status) {
  if (!status.ok()) error_position_ = position;
  return status;
}

absl::StatusOr<std::unique_ptr<Expr>> Binder::Bind(const Ast& ast) {
  warnings_.clear();
  return BindNode(ast, 0);
}

absl::StatusOr<std::unique_ptr<Expr>> Binder::BindNode(const Ast& ast, int depth) {
  if (depth > kMaxNesting) {
    return At(ast.position, absl::InvalidArgumentError(
                                StrCat("with its macros nested more than ", kMaxNesting, " deep")));
  }
  if (ast.kind == Ast::Kind::kMacro) {
    return BindNode(*definitions_->macros.Find(ast.macro)->ast, depth + 1);
  }
  if (budget_->nodes == 0) {
    return At(ast.position,
              absl::InvalidArgumentError("the rules are too large with their macros put in"));
  }
  --budget_->nodes;
  if (ast.kind == Ast::Kind::kCheck) return BindCheck(ast);
  auto expr = std::make_unique<Expr>();
  expr->position = ast.position;
  expr->kind = ast.kind == Ast::Kind::kAnd  ? Expr::Kind::kAnd
               : ast.kind == Ast::Kind::kOr ? Expr::Kind::kOr
                                            : Expr::Kind::kNot;
  for (const auto& child : ast.children) {
    VAKT_ASSIGN_OR_RETURN(std::unique_ptr<Expr> bound, BindNode(*child, depth + 1));
    if (bound->kind == expr->kind && expr->kind != Expr::Kind::kNot) {  // a and (b and c)
      std::move(bound->children.begin(), bound->children.end(), std::back_inserter(expr->children));
    } else {
      expr->children.push_back(std::move(bound));
    }
  }
  return expr;
}

absl::StatusOr<std::unique_ptr<Expr>> Binder::BindCheck(const Ast& ast) {
  auto expr = std::make_unique<Expr>();
  expr->position = ast.position;
  expr->check = std::make_unique<Check>();
  Check* check = expr->check.get();
  check->op = ast.check->op;
  check->quantifier = ast.check->quantifier;
  absl::StatusOr<Operand> left = BindWithStatics(ast.check->left, OperandUse::kLeft);
  if (!left.ok()) return At(ast.position, left.status());
  check->left = *std::move(left);
  VAKT_RETURN_IF_ERROR(At(ast.position, CheckTypes(*check)));
  if (ast.check->right.has_value()) {
    VAKT_RETURN_IF_ERROR(At(ast.position, BindRight(*ast.check, check)));
  } else {
    VAKT_RETURN_IF_ERROR(BindLiterals(*ast.check, check));
  }
  return expr;
}

absl::StatusOr<Operand> Binder::BindWithStatics(const AstOperand& ast, OperandUse use) {
  if (definitions_->static_fields.empty()) return BindOperand(ast, use, find_);
  AstOperand copy = ast;
  PutInStatics(definitions_->static_fields, &copy);  // what is none has its error when it is bound
  return BindOperand(copy, use, find_);
}

absl::Status Binder::BindRight(const AstCheck& ast, Check* check) {
  VAKT_ASSIGN_OR_RETURN(Operand right, BindWithStatics(*ast.right, OperandUse::kRight));
  check->right = std::make_unique<const Operand>(std::move(right));
  return CheckRight(*check);
}

absl::Status Binder::BindLiterals(const AstCheck& ast, Check* check) {
  std::vector<const AstValue*> values;
  std::vector<const ListDefinition*> open;
  for (const AstValue& value : ast.values) {
    VAKT_RETURN_IF_ERROR(At(value.position, Expand(value, &open, &values)));
    // Not of a list's items: `basename` in a list of programs is a program.
    std::string warning = DoubtfulConstant(value, find_);
    if (!warning.empty()) warnings_.push_back({std::move(warning), value.position});
  }
  if (ast.bare_list) VAKT_RETURN_IF_ERROR(CheckBareList(ast.values.front()));
  const bool one = check->op->shape != Shape::kList && check->op->shape != Shape::kNothing &&
                   check->quantifier == Quantifier::kNone;
  if (one && values.size() != 1) {
    return At(ast.values.front().position,
              absl::InvalidArgumentError(StrCat(
                  "'", check->op->name, "' takes one value and the list ", ast.values.front().text,
                  " has ", values.size(), "; use in, or ", check->op->name, " anyof")));
  }
  check->literals.reserve(values.size());
  for (const AstValue* value : values) {
    VAKT_RETURN_IF_ERROR(At(value->position, AddLiteral(*value, check)));
  }
  return absl::OkStatus();
}

// `in name`: a list, or a word that stands for itself.
absl::Status Binder::CheckBareList(const AstValue& value) {
  Scanner scan(value.text);
  scan.TakeWord();
  if (scan.at_end() || definitions_->lists.Find(value.text) != nullptr) return absl::OkStatus();
  return At(value.position, absl::InvalidArgumentError(StrCat("there is no list ", value.text,
                                                              "; write values in parentheses: (",
                                                              value.text, ")")));
}

absl::Status Binder::AddItems(const AstValue& value, Check* check) {
  const FieldType type = check->left.type;
  const bool takes_items =
      (check->op->op == Operator::kIn || check->op->op == Operator::kIntersects) &&
      !IsEventType(check->left) &&
      (type == FieldType::kString || type == FieldType::kIp || type == FieldType::kNet);
  if (!takes_items) {
    return absl::InvalidArgumentError(StrCat(
        "a list with items_file holds names and addresses: it goes with in or intersects and "
        "a text or an address, not with ",
        check->left.ToText(), " ", check->op->name));
  }
  Literal literal;
  literal.text = value.text;
  literal.items = value.items;
  check->literals.push_back(std::move(literal));
  return absl::OkStatus();
}

absl::Status Binder::AddLiteral(const AstValue& value, Check* check) {
  if (value.items != nullptr) return AddItems(value, check);
  const bool names_type = IsEventType(check->left) && (check->op->op == Operator::kEqual ||
                                                       check->op->op == Operator::kNotEqual ||
                                                       check->op->shape == Shape::kList);
  if (names_type && FindEventType(value.text) == nullptr) {
    return absl::NotFoundError(StrCat("unknown event type '", value.text,
                                      "'; evt.type takes names of system calls, such as openat"));
  }
  if (check->op->shape == Shape::kNumber && !IsNumber(value.text)) {
    return absl::InvalidArgumentError(StrCat("'", value.text, "' is no number"));
  }
  absl::StatusOr<Literal> literal = MakeLiteral(*check->op, check->left.type, value.text);
  if (!literal.ok()) {
    return absl::InvalidArgumentError(
        StrCat(check->left.ToText(), ": ", Message(literal.status())));
  }
  if (check->op->op == Operator::kRegex && !SimplerThanRegex(value.text).empty()) {
    warnings_.push_back({StrCat("the regular expression '", value.text, "' does what '",
                                SimplerThanRegex(value.text), "' does, which is faster"),
                         value.position});
  }
  check->literals.push_back(*std::move(literal));
  return absl::OkStatus();
}

absl::Status Binder::Expand(const AstValue& value, std::vector<const ListDefinition*>* open,
                            std::vector<const AstValue*>* values) {
  const ListDefinition* list = value.quoted ? nullptr : definitions_->lists.Find(value.text);
  // An item that names the list it is in is a plain text: docker may be in the list docker.
  if (list != nullptr && std::find(open->begin(), open->end(), list) != open->end()) list = nullptr;
  if (budget_->literals == 0) {
    return absl::InvalidArgumentError("the rules are too large with their lists put in");
  }
  --budget_->literals;  // also for a list: empty ones that nest cost time
  if (list == nullptr) {
    values->push_back(&value);
    return absl::OkStatus();
  }
  if (open->size() >= kMaxListNesting) {
    return absl::InvalidArgumentError(
        StrCat("lists are nested more than ", kMaxListNesting, " deep"));
  }
  open->push_back(list);
  for (const AstValue& item : list->items) VAKT_RETURN_IF_ERROR(Expand(item, open, values));
  open->pop_back();
  return absl::OkStatus();
}

}  // namespace vakt
