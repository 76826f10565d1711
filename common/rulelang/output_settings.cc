// SPDX-License-Identifier: Apache-2.0
#include "common/rulelang/output_settings.h"

#include <string>
#include <string_view>

#include "absl/strings/str_join.h"
#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/base/text.h"

namespace vakt {
namespace {

using Values = std::vector<std::string>;

// "proc.aname[2]", or "key=text with %fields".
bool TakeFields(const Values& values, OutputAddition* out) {
  for (const std::string& value : values) {
    const size_t equals = value.find('=');
    if (equals == 0 || value.empty()) return false;
    out->fields.push_back(
        {value.substr(0, equals), equals == std::string::npos ? "" : value.substr(equals + 1)});
  }
  return true;
}

bool TakeSuggested(const Values& values, OutputAddition* out) {
  out->suggested = values[0] == "true";
  return out->suggested || values[0] == "false";
}

struct Key {
  std::string_view name;
  bool many;
  bool (*take)(const Values& values, OutputAddition* out);
};
constexpr Key kKeys[] = {
    {"match.rule", false,
     [](const Values& v, OutputAddition* out) {
       out->rule = v[0];
       return true;
     }},
    {"match.source", false,
     [](const Values& v, OutputAddition* out) {
       out->source = v[0];
       return true;
     }},
    {"match.tags", true,
     [](const Values& v, OutputAddition* out) {
       out->tags.insert(v.begin(), v.end());
       return true;
     }},
    {"extra_output", false,
     [](const Values& v, OutputAddition* out) {
       out->output = v[0];
       return true;
     }},
    {"extra_fields", true, TakeFields},
    {"suggested_output", false, TakeSuggested},
};

absl::Status Wrong(const GroupValue& value, std::string_view group, std::string_view why) {
  return absl::InvalidArgumentError(
      StrCat(value.place, ": ", group, ".", EscapeUtf8(value.name), ": ", why));
}

absl::Status Take(const GroupValue& value, std::string_view key, OutputAddition* out) {
  for (const Key& row : kKeys) {
    if (row.name != key) continue;
    if (!row.many && value.values.size() != 1) {
      return Wrong(value, "append_output", "takes one value");
    }
    if (!row.take(value.values, out)) return Wrong(value, "append_output", "cannot be read");
    return absl::OkStatus();
  }
  std::vector<std::string> names;
  for (const Key& row : kKeys) names.emplace_back(row.name);
  return Wrong(value, "append_output", StrCat("the keys are ", absl::StrJoin(names, ", ")));
}

}  // namespace

absl::StatusOr<std::vector<OutputAddition>> ParseOutputAdditions(
    absl::Span<const GroupValue> values) {
  std::vector<OutputAddition> additions;
  std::vector<std::string> names;
  for (const GroupValue& value : values) {
    const std::string name = value.name.substr(0, value.name.find('.'));
    if (name.size() == value.name.size()) {
      return Wrong(value, "append_output",
                   "give the entry a name: append_output.NAME.extra_output");
    }
    size_t i = 0;
    while (i < names.size() && names[i] != name) ++i;
    if (i == names.size()) {
      names.push_back(name);
      additions.emplace_back();
    }
    VAKT_RETURN_IF_ERROR(
        Take(value, std::string_view(value.name).substr(name.size() + 1), &additions[i]));
  }
  return additions;
}

absl::StatusOr<StaticFields> ParseStaticFields(absl::Span<const GroupValue> values) {
  StaticFields fields;
  for (const GroupValue& value : values) {
    if (value.values.size() != 1) return Wrong(value, "static_fields", "takes one value");
    fields[value.name] = value.values[0];
  }
  return fields;
}

}  // namespace vakt
