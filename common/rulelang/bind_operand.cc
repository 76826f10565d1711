// SPDX-License-Identifier: Apache-2.0
#include "common/rulelang/bind_operand.h"

#include <utility>

#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/event/event_params.h"
#include "common/rulelang/transformers.h"

namespace vakt {
namespace {

absl::Status CheckArg(const FieldRow& field, const FieldArg& arg) {
  if (arg.present && field.arg == ArgRule::kNone) {
    return absl::InvalidArgumentError(
        StrCat(field.name, " takes no argument; write it without [", arg.text, "]"));
  }
  if (!arg.present && field.arg == ArgRule::kRequired) {
    return absl::InvalidArgumentError(
        StrCat(field.name, " needs an argument: ", field.name, "[...]"));
  }
  if (arg.present && field.arg == ArgRule::kOptionalIndex && arg.index < 0) {
    return absl::InvalidArgumentError(
        StrCat(field.name, " takes a number in brackets, and ", arg.text, " is none"));
  }
  const bool names_param = field.name == "evt.arg" || field.name == "evt.rawarg";
  if (names_param && arg.index < 0 && !IsEventParam(arg.text)) {
    return absl::NotFoundError(
        StrCat("no event has a parameter ", arg.text, ", which ", field.name, " could show"));
  }
  return absl::OkStatus();
}

absl::Status CheckUse(const FieldRow& field, OperandUse use) {
  if (use == OperandUse::kOutput && (field.flags & kFieldFilterOnly) != 0) {
    return absl::InvalidArgumentError(
        StrCat(field.name, " stands for several values and may not be printed"));
  }
  const uint32_t no_right = kFieldNoRhs | kFieldFilterOnly;
  if (use == OperandUse::kRight && (field.flags & no_right) != 0) {
    return absl::InvalidArgumentError(
        StrCat(field.name, " may not stand to the right of an operator"));
  }
  if (use == OperandUse::kRight && field.name == "evt.type") {
    return absl::InvalidArgumentError("evt.type may be compared with names only");
  }
  return absl::OkStatus();
}

absl::StatusOr<Operand> BindField(const AstOperand& ast, OperandUse use, FieldFinder find) {
  Operand operand;
  operand.kind = Operand::Kind::kField;
  operand.arg = ast.arg;
  operand.field = ResolveField(ast.name, &operand.arg, find);
  if (operand.field == nullptr) {
    return absl::NotFoundError(
        StrCat("there is no field ", ast.name, "; `vaktctl fields` lists all"));
  }
  VAKT_RETURN_IF_ERROR(CheckArg(*operand.field, operand.arg));
  VAKT_RETURN_IF_ERROR(CheckUse(*operand.field, use));
  operand.type =
      operand.field->name == "evt.rawarg" ? RawParamType(operand.arg.text) : operand.field->type;
  operand.is_list = (operand.field->flags & kFieldList) != 0 && !operand.arg.present;
  return operand;
}

bool MayTransform(const FieldRow& field) {
  return (field.flags & kFieldNoTransform) == 0 && field.name != "evt.type";
}

absl::Status BindParts(const AstOperand& ast, OperandUse use, FieldFinder find, Operand* operand) {
  for (const AstOperand& part : ast.parts) {
    VAKT_ASSIGN_OR_RETURN(Operand bound, BindOperand(part, use, find));
    if (bound.field != nullptr && !MayTransform(*bound.field)) {
      return absl::InvalidArgumentError(
          StrCat(bound.field->name, " may not be the argument of a transformer"));
    }
    operand->parts.push_back(std::move(bound));
  }
  return absl::OkStatus();
}

absl::StatusOr<Operand> BindList(const AstOperand& ast, OperandUse use, FieldFinder find) {
  Operand operand;
  operand.kind = Operand::Kind::kList;
  operand.is_list = true;
  VAKT_RETURN_IF_ERROR(BindParts(ast, use, find, &operand));
  for (const Operand& part : operand.parts) {
    if (part.type == FieldType::kString && !part.is_list) continue;
    return absl::InvalidArgumentError(
        StrCat("a list of a transformer holds strings, and ", part.ToText(), " is none"));
  }
  return operand;
}

absl::StatusOr<Operand> BindCall(const AstOperand& ast, OperandUse use, FieldFinder find) {
  Operand call;
  call.kind = Operand::Kind::kCall;
  call.transformer = FindTransformer(ast.name);
  if (call.transformer == nullptr) {
    return absl::NotFoundError(StrCat("there is no transformer ", ast.name));
  }
  call.arg = ast.arg;
  if (ast.arg.present && !call.transformer->takes_selector) {
    return absl::InvalidArgumentError(StrCat(ast.name, "() takes no argument in brackets"));
  }
  const size_t count = ast.parts.size();
  if (count < call.transformer->min_arguments || count > call.transformer->max_arguments) {
    return absl::InvalidArgumentError(
        StrCat(ast.name, "() takes ", call.transformer->min_arguments,
               call.transformer->max_arguments > call.transformer->min_arguments
                   ? " or more arguments, not "
                   : " arguments, not ",
               count));
  }
  VAKT_RETURN_IF_ERROR(BindParts(ast, use, find, &call));
  VAKT_RETURN_IF_ERROR(call.transformer->bind(&call));
  return call;
}

}  // namespace

absl::StatusOr<Operand> BindOperand(const AstOperand& ast, OperandUse use, FieldFinder find) {
  switch (ast.kind) {
    case AstOperand::Kind::kField:
      return BindField(ast, use, find);
    case AstOperand::Kind::kList:
      return BindList(ast, use, find);
    case AstOperand::Kind::kCall:
      return BindCall(ast, use, find);
    case AstOperand::Kind::kText:
      break;
  }
  Operand text;
  text.kind = Operand::Kind::kText;
  text.text = ast.name;
  return text;
}

const FieldRow* ResolveField(std::string_view name, FieldArg* arg, FieldFinder find) {
  if (const FieldRow* field = find(name)) return field;
  const size_t dot = name.rfind('.');
  if (arg->present || dot == std::string_view::npos || !name.starts_with("evt.")) {
    return nullptr;
  }
  const FieldRow* field = FindField(name.substr(0, dot));
  if (field == nullptr || field->arg == ArgRule::kNone) return nullptr;
  arg->present = true;
  arg->text = std::string(name.substr(dot + 1));
  return field;
}

void ForEachField(const Operand& operand, const std::function<void(const Operand&)>& visit) {
  if (operand.kind == Operand::Kind::kField) visit(operand);
  for (const Operand& part : operand.parts) ForEachField(part, visit);
}

}  // namespace vakt
