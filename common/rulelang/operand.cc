// SPDX-License-Identifier: Apache-2.0
#include "common/rulelang/operand.h"

#include "absl/container/inlined_vector.h"
#include "common/base/strings.h"
#include "common/rulelang/parser.h"
#include "common/rulelang/transformers.h"

namespace vakt {
namespace {

void AppendParts(const std::vector<Operand>& parts, std::string* out) {
  *out += '(';
  for (size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) *out += ", ";
    *out += parts[i].ToText();
  }
  *out += ')';
}

bool IsList(const Operand& operand) { return operand.kind == Operand::Kind::kList; }

void ExtractCall(const Operand& call, FieldReader read, Extractor& out) {
  const size_t begin = out.values().size();
  for (const Operand& part : call.parts) {
    const size_t before = out.values().size();
    ExtractOperand(part, read, out);
    const bool is_null = out.values().size() == before && !(IsList(part) && part.parts.empty());
    if (is_null) {
      out.Truncate(begin);
      return;
    }
  }
  // Copied, because the result goes to the same extractor.
  const absl::Span<const Value> values = out.values().subspan(begin);
  const absl::InlinedVector<Value, 4> arguments(values.begin(), values.end());
  out.Truncate(begin);
  call.transformer->apply(call, arguments, out);
}

void ExtractList(const Operand& list, FieldReader read, Extractor& out) {
  const size_t begin = out.values().size();
  for (const Operand& part : list.parts) {
    const size_t before = out.values().size();
    ExtractOperand(part, read, out);
    if (out.values().size() == before) {  // a list with a null element is null
      out.Truncate(begin);
      return;
    }
  }
}

}  // namespace

std::string Operand::ToText() const {
  std::string result;
  switch (kind) {
    case Kind::kField:
      result = std::string(field->name);
      if (arg.present) result += StrCat("[", Quote(arg.text), "]");
      return result;
    case Kind::kText:
      return Quote(text);
    case Kind::kList:
      AppendParts(parts, &result);
      return result;
    case Kind::kCall:
      result = std::string(transformer->name);
      AppendParts(parts, &result);
      if (arg.present) result += StrCat("[", Quote(arg.text), "]");
      return result;
  }
  return result;
}

void ExtractOperand(const Operand& operand, FieldReader read, Extractor& out) {
  switch (operand.kind) {
    case Operand::Kind::kField:
      read(operand, out);
      return;
    case Operand::Kind::kText:
      out.Add(Value::String(operand.text));
      return;
    case Operand::Kind::kList:
      ExtractList(operand, read, out);
      return;
    case Operand::Kind::kCall:
      ExtractCall(operand, read, out);
      return;
  }
}

void ExtractOperand(const Operand& operand, const Event& event, Extractor& out) {
  const auto read = [&event](const Operand& field, Extractor& values) {
    field.field->extract(event, field.arg, values);
  };
  if (operand.kind == Operand::Kind::kField) return read(operand, out);
  ExtractOperand(operand, read, out);
}

}  // namespace vakt
