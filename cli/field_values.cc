// SPDX-License-Identifier: Apache-2.0
#include "cli/field_values.h"

#include <arpa/inet.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/base/status.h"
#include "common/base/text.h"
#include "common/rulelang/bind_operand.h"
#include "common/rulelang/parser.h"

namespace vakt {
namespace {

using Json = nlohmann::json;

constexpr int64_t kMaxPort = 65535;

// Whole numbers, also when written with a fraction of zero or an exponent.
std::optional<Value> WholeNumber(const Json& json) {
  if (json.is_number_unsigned()) return Value::Uint(json.get<uint64_t>());
  if (json.is_number_integer()) return Value::Int(json.get<int64_t>());
  if (!json.is_number_float()) return std::nullopt;
  constexpr double kExact = 9007199254740992.0;  // 2^53: whole numbers up to here are exact
  const double number = json.get<double>();
  if (std::trunc(number) != number || std::abs(number) > kExact) return std::nullopt;
  return number < 0 ? Value::Int(static_cast<int64_t>(number))
                    : Value::Uint(static_cast<uint64_t>(number));
}

std::optional<Value> SignedNumber(const Json& json) {
  std::optional<Value> number = WholeNumber(json);
  if (!number.has_value() || number->tag == Value::Tag::kInt) return number;
  if (number->uint_value > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
    return std::nullopt;
  }
  return Value::Int(static_cast<int64_t>(number->uint_value));
}

std::optional<Value> UnsignedNumber(const Json& json, uint64_t most) {
  std::optional<Value> number = WholeNumber(json);
  if (!number.has_value() || number->tag != Value::Tag::kUint) return std::nullopt;
  return number->uint_value <= most ? number : std::nullopt;
}

std::optional<Value> Address(const Json& json) {
  if (!json.is_string()) return std::nullopt;
  const auto& text = json.get_ref<const std::string&>();
  IpAddress ip;
  ip.ipv6 = text.find(':') != std::string::npos;
  if (inet_pton(ip.ipv6 ? AF_INET6 : AF_INET, text.c_str(), ip.bytes.data()) != 1) {
    return std::nullopt;
  }
  return Value::Ip(ip);
}

// Nullopt: `json` is no value of the type. Texts point into `json`.
std::optional<Value> ToValue(const Json& json, FieldType type) {
  switch (type) {
    case FieldType::kString:
    case FieldType::kBytes:
      if (!json.is_string()) return std::nullopt;
      return Value::String(json.get_ref<const std::string&>());
    case FieldType::kInt:
    case FieldType::kAbsTime:
    case FieldType::kRelTime:
      return SignedNumber(json);
    case FieldType::kUint:
      return UnsignedNumber(json, std::numeric_limits<uint64_t>::max());
    case FieldType::kPort:
      return UnsignedNumber(json, kMaxPort);
    case FieldType::kDouble:
      if (!json.is_number()) return std::nullopt;
      return Value::Double(json.get<double>());
    case FieldType::kBool:
      if (!json.is_boolean()) return std::nullopt;
      return Value::Bool(json.get<bool>());
    case FieldType::kIp:
    case FieldType::kNet:
      return Address(json);
  }
  return std::nullopt;
}

std::string_view Wanted(FieldType type) {
  switch (type) {
    case FieldType::kString:
    case FieldType::kBytes:
      return "a string";
    case FieldType::kInt:
    case FieldType::kAbsTime:
    case FieldType::kRelTime:
      return "a whole number";
    case FieldType::kUint:
      return "a whole number that is not negative";
    case FieldType::kPort:
      return "a number from 0 to 65535";
    case FieldType::kDouble:
      return "a number";
    case FieldType::kBool:
      return "true or false";
    case FieldType::kIp:
    case FieldType::kNet:
      return "an IP address in a string";
  }
  return "";
}

absl::Status WrongType(const std::string& name, const Json& json, const Operand& field) {
  return absl::InvalidArgumentError(
      StrCat("--fields: ", EscapeUtf8(name), " takes ", Wanted(field.type),
             field.is_list ? "s in an array" : "", ", not ",
             json.dump(-1, ' ', /*ensure_ascii=*/true, Json::error_handler_t::replace)));
}

bool IsArguments(const Operand& field) {
  return field.field->name == "proc.args" && !field.arg.present;
}

bool MayBeArray(const Operand& field) {
  const bool several = (field.field->flags & kFieldAnyOf) != 0 && !field.arg.present;
  return field.is_list || several || IsArguments(field);
}

absl::Status ReadValues(const std::string& name, const Json& json, const Operand& field,
                        std::vector<Value>* values) {
  if (json.is_null()) return absl::OkStatus();
  if (json.is_array() != field.is_list && !(json.is_array() && MayBeArray(field))) {
    return WrongType(name, json, field);
  }
  const auto add = [&](const Json& element) {
    const std::optional<Value> value = ToValue(element, field.type);
    if (!value.has_value()) return WrongType(name, element, field);
    values->push_back(*value);
    return absl::OkStatus();
  };
  if (!json.is_array()) return add(json);
  for (const Json& element : json) VAKT_RETURN_IF_ERROR(add(element));
  return absl::OkStatus();
}

absl::StatusOr<Operand> FieldOf(const std::string& name) {
  absl::StatusOr<AstOperand> ast = ParseOperand(name);
  absl::Status status = ast.status();
  if (ast.ok()) {
    absl::StatusOr<Operand> field = BindOperand(*ast, OperandUse::kLeft);
    if (field.ok() && field->kind == Operand::Kind::kField) return field;
    status = field.ok() ? absl::InvalidArgumentError("only fields have values") : field.status();
  }
  return absl::InvalidArgumentError(
      StrCat("--fields: ", EscapeUtf8(name), ": ", EscapeUtf8(Message(status))));
}

}  // namespace

absl::StatusOr<FieldValues> FieldValues::FromJson(std::string_view text) {
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) return absl::InvalidArgumentError("--fields: this is no JSON");
  if (!json.is_object()) {
    return absl::InvalidArgumentError(
        "--fields: a JSON object is wanted: {\"proc.name\": \"cat\", ...}");
  }
  FieldValues result;
  for (const auto& [name, value] : json.items()) {
    VAKT_ASSIGN_OR_RETURN(const Operand operand, FieldOf(name));
    Field field;
    VAKT_RETURN_IF_ERROR(ReadValues(name, value, operand, &field.values));
    for (Value& v : field.values) {
      if (v.tag == Value::Tag::kString) v.string = result.texts_.emplace_back(v.string);
    }
    if (IsArguments(operand) && !field.values.empty())
      result.SplitArguments(value.is_array(), &field);
    result.fields_[operand.ToText()] = std::move(field);
  }
  return result;
}

void FieldValues::SplitArguments(bool is_array, Field* field) {
  const auto text_of = [](std::string* out, const Value& value) {
    out->append(value.string.data(), value.string.size());
  };
  if (is_array) {
    field->elements = field->values;
    const std::string& joined = texts_.emplace_back(absl::StrJoin(field->elements, " ", text_of));
    field->values = {Value::String(joined)};
    return;
  }
  for (absl::string_view word :
       absl::StrSplit(ToAbsl(field->values[0].string), ' ', absl::SkipEmpty())) {
    field->elements.push_back(Value::String(ToStd(word)));
  }
}

void FieldValues::Read(const Operand& field, Extractor& out) const {
  const auto found = fields_.find(field.ToText());
  if (found == fields_.end()) return;
  const bool one_by_one = field.is_list && IsArguments(field);
  for (const Value& value : one_by_one ? found->second.elements : found->second.values) {
    out.Add(value);
  }
}

}  // namespace vakt
