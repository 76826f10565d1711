// SPDX-License-Identifier: Apache-2.0
#include "common/rulelang/expr.h"

#include "common/base/strings.h"
#include "common/rulelang/parser.h"

namespace vakt {

Value Literal::value() const {
  switch (tag) {
    case Value::Tag::kString:
      return Value::String(text);
    case Value::Tag::kInt:
      return Value::Int(int_value);
    case Value::Tag::kUint:
      return Value::Uint(uint_value);
    case Value::Tag::kDouble:
      return Value::Double(double_value);
    case Value::Tag::kBool:
      return Value::Bool(bool_value);
    case Value::Tag::kIp:
      return Value::Ip(ip);
    case Value::Tag::kNull:
      break;
  }
  return Value();
}

std::string Check::ToText() const {
  std::string result = StrCat(left.ToText(), " ", op->name);
  if (op->shape == Shape::kNothing) return result;
  if (right != nullptr) {
    const bool field = right->kind == Operand::Kind::kField;
    result += StrCat(field ? " val(" : " ", right->ToText(), field ? ")" : "");
    return result;
  }
  const bool list = op->shape == Shape::kList || quantifier != Quantifier::kNone;
  result += StrCat(" ", QuantifierName(quantifier), list ? "(" : "");
  for (size_t i = 0; i < literals.size(); ++i) {
    result += StrCat(i > 0 ? ", " : "", Quote(literals[i].text));
  }
  if (list) result += ')';
  return result;
}

}  // namespace vakt
