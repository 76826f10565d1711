// SPDX-License-Identifier: Apache-2.0
#include "common/rulelang/transformers.h"

#include <algorithm>
#include <array>
#include <limits>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/rulelang/getopt.h"

namespace vakt {
namespace {

constexpr size_t kUnlimited = std::numeric_limits<size_t>::max();

bool IsText(const Operand& operand) {
  return operand.type == FieldType::kString && !operand.is_list;
}

absl::Status WrongArgument(const Operand& call, const Operand& part, std::string_view wanted) {
  return absl::InvalidArgumentError(StrCat(call.transformer->name, "() takes ", wanted, ", and ",
                                           part.ToText(), " is a ",
                                           part.is_list ? "list" : FieldTypeName(part.type)));
}

absl::Status BindText(Operand* call) {
  for (const Operand& part : call->parts) {
    if (!IsText(part)) return WrongArgument(*call, part, "strings");
  }
  call->type = FieldType::kString;
  return absl::OkStatus();
}

absl::Status BindB64(Operand* call) {
  const Operand& part = call->parts[0];
  if (!IsText(part) && part.type != FieldType::kBytes) {
    return WrongArgument(*call, part, "a string or bytes");
  }
  call->type = part.type;
  return absl::OkStatus();
}

absl::Status BindLen(Operand* call) {
  const Operand& part = call->parts[0];
  if (!part.is_list && !IsText(part) && part.type != FieldType::kBytes) {
    return WrongArgument(*call, part, "a string, bytes or a list");
  }
  call->type = FieldType::kUint;
  return absl::OkStatus();
}

absl::Status BindJoin(Operand* call) {
  if (!IsText(call->parts[0])) return WrongArgument(*call, call->parts[0], "a separator first");
  const Operand& list = call->parts[1];
  if (!list.is_list || list.type != FieldType::kString) {
    return WrongArgument(*call, list, "a list second");
  }
  call->type = FieldType::kString;
  return absl::OkStatus();
}

void AddText(std::string text, Extractor& out) {
  out.Add(Value::String(out.Keep(std::move(text))));
}

void ToLower(const Operand&, absl::Span<const Value> values, Extractor& out) {
  AddText(absl::AsciiStrToLower(ToAbsl(values[0].string)), out);
}

void ToUpper(const Operand&, absl::Span<const Value> values, Extractor& out) {
  AddText(absl::AsciiStrToUpper(ToAbsl(values[0].string)), out);
}

// Padding may be missing. Abseil would also take blanks and '.' for padding.
bool IsBase64(std::string_view text) {
  if (text.size() % 4 == 0) {
    for (int i = 0; i < 2 && text.ends_with('='); ++i) text.remove_suffix(1);
  }
  return text.size() % 4 != 1 && std::all_of(text.begin(), text.end(), [](char c) {
           return absl::ascii_isalnum(c) || c == '+' || c == '/';
         });
}

void DecodeB64(const Operand&, absl::Span<const Value> values, Extractor& out) {
  std::string decoded;
  if (IsBase64(values[0].string) && absl::Base64Unescape(ToAbsl(values[0].string), &decoded))
    AddText(std::move(decoded), out);
}

void Basename(const Operand&, absl::Span<const Value> values, Extractor& out) {
  const std::string_view path = values[0].string;
  const size_t slash = path.rfind('/');
  out.Add(Value::String(slash == std::string_view::npos ? path : path.substr(slash + 1)));
}

void Length(const Operand& call, absl::Span<const Value> values, Extractor& out) {
  const bool is_list = call.parts[0].is_list;
  out.Add(Value::Uint(is_list ? values.size() : values[0].string.size()));
}

void Join(const Operand&, absl::Span<const Value> values, Extractor& out) {
  std::string joined;
  for (size_t i = 1; i < values.size(); ++i) {
    if (i > 1) joined += values[0].string;
    joined += values[i].string;
  }
  AddText(std::move(joined), out);
}

void Concat(const Operand&, absl::Span<const Value> values, Extractor& out) {
  std::string all;
  for (const Value& value : values) all += value.string;
  AddText(std::move(all), out);
}

constexpr std::array<TransformerRow, 8> kTransformers = {{
    {"b64", 1, 1, false, BindB64, DecodeB64,
     "the bytes that the Base64 text stands for; null if none"},
    {"basename", 1, 1, false, BindText, Basename, "what follows the last '/'"},
    {"concat", 2, kUnlimited, false, BindText, Concat, "the strings one after the other"},
    {"getopt", 2, 2, true, BindGetopt, Getopt,
     "the options of a command line, each followed by its value; [c] the value of option c"},
    {"join", 2, 2, false, BindJoin, Join, "the list's strings with a separator between them"},
    {"len", 1, 1, false, BindLen, Length, "number of bytes, or of a list's values"},
    {"tolower", 1, 1, false, BindText, ToLower, "ASCII letters made lower-case"},
    {"toupper", 1, 1, false, BindText, ToUpper, "ASCII letters made upper-case"},
}};

}  // namespace

absl::Span<const TransformerRow> AllTransformers() { return kTransformers; }

const TransformerRow* FindTransformer(std::string_view name) {
  for (const TransformerRow& row : kTransformers) {
    if (row.name == name) return &row;
  }
  return nullptr;
}

}  // namespace vakt
