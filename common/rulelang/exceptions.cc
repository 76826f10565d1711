// SPDX-License-Identifier: Apache-2.0
#include "common/rulelang/exceptions.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/base/text.h"
#include "common/rulelang/bind_operand.h"
#include "common/rulelang/parser.h"

namespace vakt {
namespace {

constexpr std::string_view kExceptionKeys[] = {"name", "fields", "comps", "values"};

struct Comparison {
  const OperatorRow* op = nullptr;
  bool quantified = false;  // "contains anyof"

  bool takes_list() const { return quantified || op->shape == Shape::kList; }
};

std::optional<Comparison> ParseComparison(std::string_view text) {
  const std::vector<std::string> words = absl::StrSplit(ToAbsl(text), ' ', absl::SkipEmpty());
  if (words.empty() || words.size() > 2) return std::nullopt;
  Comparison comparison;
  comparison.op = FindOperator(words[0]);
  if (comparison.op == nullptr || comparison.op->shape == Shape::kNothing) return std::nullopt;
  if (words.size() == 1) return comparison;
  comparison.quantified = words[1] == QuantifierName(Quantifier::kOneOf) ||
                          words[1] == QuantifierName(Quantifier::kAnyOf) ||
                          words[1] == QuantifierName(Quantifier::kAllOf);
  if (!comparison.quantified || comparison.op->shape != Shape::kText) return std::nullopt;
  return comparison;
}

// A scalar or a sequence of scalars.
bool ReadOneOrMore(const ItemReader& item, const YamlNode& node, std::string_view key,
                   std::vector<std::string>* out) {
  if (node.is_scalar()) {
    out->push_back(node.text);
    return true;
  }
  for (const YamlNode& element : node.items) {
    if (!element.is_scalar()) break;
    out->push_back(element.text);
  }
  if (node.is_sequence() && out->size() == node.items.size() && !out->empty()) return true;
  return item.Error(node, StrCat("`", key,
                                 "` of an exception is a text or a sequence of "
                                 "texts"));
}

// One element of a tuple, as the right-hand side of its comparison.
bool ReadValue(const ItemReader& item, const YamlNode& node, const Comparison& comparison,
               std::string* out) {
  if (node.is_sequence()) {
    std::vector<std::string> elements;
    for (const YamlNode& element : node.items) {
      if (!element.is_scalar()) return item.Error(element, "a value of an exception is a text");
      elements.push_back(AsConditionText(element.text));
    }
    *out = StrCat("(", absl::StrJoin(elements, ", "), ")");
    return true;
  }
  if (!node.is_scalar()) return item.Error(node, "a value of an exception is a text or a sequence");
  const bool is_list = comparison.takes_list() && node.text.starts_with("(");
  *out = is_list ? node.text : AsConditionText(node.text);
  if (comparison.takes_list() && !is_list) *out = StrCat("(", *out, ")");
  return true;
}

bool ReadTuple(const ItemReader& item, const YamlNode& node, const ExceptionDefinition& exception,
               std::vector<std::string>* tuple) {
  if (!node.is_sequence() || node.items.size() != exception.fields.size()) {
    return item.Conflict(node, StrCat("each of `values` is a sequence of ", exception.fields.size(),
                                      " values, one for each field"));
  }
  for (size_t i = 0; i < node.items.size(); ++i) {
    std::string value;
    if (!ReadValue(item, node.items[i], *ParseComparison(exception.comps[i]), &value)) return false;
    tuple->push_back(std::move(value));
  }
  return true;
}

bool ReadValues(const ItemReader& item, const YamlNode& values, ExceptionDefinition* exception) {
  if (values.is_null()) return true;
  if (!values.is_sequence()) return item.Error(values, "`values` of an exception is a sequence");
  for (const YamlNode& node : values.items) {
    std::vector<std::string> tuple;
    if (!exception->one_field) {
      if (!ReadTuple(item, node, *exception, &tuple)) return false;
    } else if (node.is_scalar()) {
      tuple.push_back(AsConditionText(node.text));
    } else {
      return item.Conflict(node, "with one field, `values` is a sequence of texts");
    }
    exception->values.push_back(std::move(tuple));
  }
  return true;
}

bool CheckFields(const ItemReader& item, const YamlNode& node,
                 const ExceptionDefinition& exception) {
  for (const std::string& field : exception.fields) {
    absl::StatusOr<AstOperand> ast = ParseOperand(field);
    const absl::Status status =
        ast.ok() ? BindOperand(*ast, OperandUse::kLeft).status() : ast.status();
    if (!status.ok()) return item.Conflict(node, EscapeUtf8(Message(status)));
  }
  if (exception.comps.size() != exception.fields.size()) {
    return item.Conflict(node, StrCat("the exception has ", exception.fields.size(), " fields and ",
                                      exception.comps.size(), " comps"));
  }
  for (const std::string& text : exception.comps) {
    const std::optional<Comparison> comparison = ParseComparison(text);
    if (!comparison.has_value()) {
      return item.Conflict(node, StrCat("'", EscapeUtf8(text), "' is no comparison operator"));
    }
    if (exception.one_field && !comparison->takes_list()) {
      return item.Conflict(node, StrCat("with one field, comps must be in, intersects, pmatch "
                                        "or an operator with oneof, anyof or allof, not ",
                                        text));
    }
  }
  return true;
}

bool ReadNewException(const ItemReader& item, const YamlNode& node,
                      ExceptionDefinition* exception) {
  const YamlNode* fields = node.Find("fields");
  if (fields == nullptr) return item.Conflict(node, "a new exception needs `fields`");
  exception->one_field = fields->is_scalar();
  if (!ReadOneOrMore(item, *fields, "fields", &exception->fields)) return false;
  if (const YamlNode* comps = node.Find("comps"); comps != nullptr && !comps->is_null()) {
    if (!ReadOneOrMore(item, *comps, "comps", &exception->comps)) return false;
  } else {
    exception->comps.assign(exception->fields.size(), exception->one_field ? "in" : "=");
  }
  return CheckFields(item, node, *exception);
}

bool ReadException(const ItemReader& item, const YamlNode& node, Change change,
                   std::vector<ExceptionDefinition>* exceptions) {
  const YamlNode* name = node.Find("name");
  if (name == nullptr || !name->is_scalar() || name->text.empty()) {
    return item.Error(node, "an exception needs a `name`");
  }
  for (const YamlEntry& entry : node.entries) {
    if (std::find(std::begin(kExceptionKeys), std::end(kExceptionKeys), entry.key.text) ==
        std::end(kExceptionKeys)) {
      item.Warning(kUnknownKey, entry.key,
                   StrCat("`", EscapeUtf8(entry.key.text), "` is no key of an exception"));
    }
  }
  const YamlNode* values = node.Find("values");
  if (change == Change::kAppend && (values == nullptr || values->items.empty())) {
    item.Warning(kAppendNoValues, node,
                 StrCat("exception ", EscapeUtf8(name->text), " appends no values"));
  }
  const auto existing =
      std::find_if(exceptions->begin(), exceptions->end(),
                   [&](const ExceptionDefinition& e) { return e.name == name->text; });
  if (existing != exceptions->end() && change == Change::kAppend) {
    if (node.Find("fields") != nullptr || node.Find("comps") != nullptr) {
      return item.Conflict(node, "an exception that exists can only be given more `values`");
    }
    return values == nullptr || ReadValues(item, *values, &*existing);
  }
  if (existing != exceptions->end()) {
    item.Warning(kExceptionName, node,
                 StrCat("there is another exception ", EscapeUtf8(name->text), "; both apply"));
  }
  if (change == Change::kAppend && (values == nullptr || values->items.empty())) {
    return item.Conflict(node, "a new exception that is appended needs `values`");
  }
  ExceptionDefinition exception;
  exception.name = name->text;
  exception.position = item.PositionOf(node);
  if (!ReadNewException(item, node, &exception)) return false;
  if (values != nullptr && !ReadValues(item, *values, &exception)) return false;
  exceptions->push_back(std::move(exception));
  return true;
}

}  // namespace

bool ReadExceptions(const ItemReader& item, Change change,
                    std::vector<ExceptionDefinition>* exceptions) {
  const YamlNode* node = item.Find("exceptions");
  if (change != Change::kAppend) exceptions->clear();
  if (node == nullptr || node->is_null()) return true;
  if (!node->is_sequence()) return item.Error(*node, "`exceptions` must be a sequence");
  for (const YamlNode& element : node->items) {
    if (!element.is_mapping()) {
      return item.Error(element, "an exception is a mapping with name, fields, comps and values");
    }
    if (!ReadException(item, element, change, exceptions)) return false;
  }
  return true;
}

std::string ExceptionCondition(const ExceptionDefinition& exception) {
  if (exception.values.empty()) return "";
  std::vector<std::string> clauses;
  if (exception.one_field) {
    for (const std::vector<std::string>& tuple : exception.values) clauses.push_back(tuple[0]);
    return StrCat(exception.fields[0], " ", exception.comps[0], " (", absl::StrJoin(clauses, ", "),
                  ")");
  }
  for (const std::vector<std::string>& tuple : exception.values) {
    std::vector<std::string> checks;
    for (size_t i = 0; i < tuple.size(); ++i) {
      checks.push_back(StrCat(exception.fields[i], " ", exception.comps[i], " ", tuple[i]));
    }
    clauses.push_back(StrCat("(", absl::StrJoin(checks, " and "), ")"));
  }
  return absl::StrJoin(clauses, " or ");
}

}  // namespace vakt
