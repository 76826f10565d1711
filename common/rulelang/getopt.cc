// SPDX-License-Identifier: Apache-2.0
#include "common/rulelang/getopt.h"

#include <optional>
#include <string_view>
#include <vector>

#include "absl/strings/ascii.h"
#include "common/base/strings.h"
#include "common/event/fields.h"

namespace vakt {
namespace {

enum class OptionValue { kNone, kRequired, kMayFollow };

// Null when `options` does not name it.
std::optional<OptionValue> FindOption(std::string_view options, char name) {
  const size_t at = name == ':' ? std::string_view::npos : options.find(name);
  if (at == std::string_view::npos) return std::nullopt;
  if (options.substr(at + 1, 2) == "::") return OptionValue::kMayFollow;
  return options.substr(at + 1, 1) == ":" ? OptionValue::kRequired : OptionValue::kNone;
}

bool IsOptionString(std::string_view options) {
  bool after_name = false;
  for (const char c : options) {
    if (!absl::ascii_isalnum(c) && !(c == ':' && after_name)) return false;
    after_name = true;
  }
  return !options.empty();
}

std::vector<std::string_view> Split(std::string_view text) {
  std::vector<std::string_view> words;
  while (!text.empty()) {
    const size_t end = text.find(' ');
    if (end != 0) words.push_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return words;
}

// Calls found(name, value) for each option; `value` is null for an option that has none.
template <typename Found>
void ForEachOption(const std::vector<std::string_view>& arguments, std::string_view options,
                   Found found) {
  static constexpr std::string_view kUnknown = "?";
  for (size_t i = 0; i < arguments.size(); ++i) {
    std::string_view argument = arguments[i];
    if (argument == "--" || argument.size() < 2 || argument[0] != '-') return;
    if (argument[1] == '-') continue;
    for (argument.remove_prefix(1); !argument.empty();) {
      const std::string_view name = argument.substr(0, 1);
      argument.remove_prefix(1);
      const std::optional<OptionValue> value = FindOption(options, name[0]);
      const bool has_value = value.has_value() && value != OptionValue::kNone;
      if (!has_value) {
        found(value.has_value() ? name : kUnknown, std::nullopt);
      } else if (!argument.empty()) {
        found(name, std::optional(argument));
        break;
      } else if (value == OptionValue::kMayFollow) {
        found(name, std::nullopt);
      } else if (i + 1 < arguments.size()) {
        found(name, std::optional(arguments[++i]));
      } else {
        found(kUnknown, std::nullopt);
      }
    }
  }
}

}  // namespace

absl::Status BindGetopt(Operand* call) {
  Operand& arguments = call->parts[0];
  const Operand& options = call->parts[1];
  if (arguments.type != FieldType::kString) {
    return absl::InvalidArgumentError(StrCat("getopt() takes a list of arguments first, and ",
                                             arguments.ToText(), " is a ",
                                             FieldTypeName(arguments.type)));
  }
  if (options.kind != Operand::Kind::kText || !IsOptionString(options.text)) {
    return absl::InvalidArgumentError(
        StrCat("getopt() takes the options second, such as \"ab:\", not ", options.ToText()));
  }
  if (arguments.field == FindField("proc.args") && !arguments.arg.present) {
    arguments.field = &ProcArgvField();
    arguments.is_list = true;
  }
  call->type = FieldType::kString;
  call->is_list = !call->arg.present;
  if (!call->arg.present) return absl::OkStatus();
  const std::string& selected = call->arg.text;
  if (selected.size() == 1 && FindOption(options.text, selected[0]).has_value()) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      StrCat("getopt()[", selected, "] selects none of the options ", options.text));
}

void Getopt(const Operand& call, absl::Span<const Value> values, Extractor& out) {
  const std::string_view options = values.back().string;
  values.remove_suffix(1);
  std::vector<std::string_view> arguments;
  if (call.parts[0].is_list) {
    for (const Value& value : values) arguments.push_back(value.string);
  } else {
    arguments = Split(values[0].string);
  }
  std::optional<std::string_view> selected;
  ForEachOption(arguments, options,
                [&](std::string_view name, std::optional<std::string_view> value) {
                  if (call.arg.present) {
                    if (name == call.arg.text) selected = value.value_or("");
                    return;
                  }
                  out.Add(Value::String(name));
                  if (value.has_value()) out.Add(Value::String(*value));
                });
  if (selected.has_value()) out.Add(Value::String(*selected));
}

}  // namespace vakt
