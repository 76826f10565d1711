// SPDX-License-Identifier: Apache-2.0
#include "common/alert/falco_json.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/alert/alert_time.h"
#include "common/alert/priority.h"
#include "common/base/text.h"

namespace vakt {
namespace {

void AppendString(std::string_view text, std::string* out) {
  *out += IsValidUtf8(text) ? JsonQuote(text) : JsonQuote(EscapeUtf8(text));
}

// `key` is one of ours: it needs no escaping.
void AppendKey(std::string_view key, std::string* out) {
  if (out->back() != '{') *out += ',';
  (out->append("\"").append(key)).append("\":");
}

void AppendValue(const v1::OutputField& field, std::string* out) {
  switch (field.value_case()) {
    case v1::OutputField::kStringValue:
      return AppendString(field.string_value(), out);
    case v1::OutputField::kIntValue:
      return absl::StrAppend(out, field.int_value());
    case v1::OutputField::kDoubleValue:
      return absl::StrAppend(out, field.double_value());
    case v1::OutputField::kUintValue:
      return absl::StrAppend(out, field.uint_value());
    case v1::OutputField::kBoolValue:
      return absl::StrAppend(out, field.bool_value() ? "true" : "false");
    case v1::OutputField::VALUE_NOT_SET:
      return absl::StrAppend(out, "null");
  }
}

// The fields of the rule's output, and evt.time: the time in front of `output` is part of it.
void AppendFields(const v1::Alert& alert, std::string* out) {
  constexpr std::string_view kTime = "evt.time";
  v1::OutputField time;
  time.set_name(std::string(kTime));
  time.set_int_value(absl::ToUnixNanos(absl::FromUnixSeconds(alert.time().seconds()) +
                                       absl::Nanoseconds(alert.time().nanos())));
  std::vector<const v1::OutputField*> fields = {&time};
  fields.reserve(alert.output_fields_size() + 1);
  for (const v1::OutputField& field : alert.output_fields()) {
    if (field.name() != kTime) fields.push_back(&field);
  }
  std::sort(fields.begin(), fields.end(),
            [](const auto* a, const auto* b) { return a->name() < b->name(); });
  *out += '{';
  for (const v1::OutputField* field : fields) {
    if (out->back() != '{') *out += ',';
    AppendString(field->name(), out);
    *out += ':';
    AppendValue(*field, out);
  }
  *out += '}';
}

void AppendTags(const v1::Alert& alert, std::string* out) {
  *out += '[';
  for (const std::string& tag : alert.tags()) {
    if (out->back() != '[') *out += ',';
    AppendString(tag, out);
  }
  *out += ']';
}

}  // namespace

void AppendFalcoJson(const v1::Alert& alert, std::string* out) {
  const std::string_view priority = PriorityName(alert.priority());
  *out += '{';
  AppendKey("hostname", out);
  AppendString(alert.hostname(), out);
  AppendKey("output", out);
  std::string output = TimeOfDay(alert.time());
  output.append(": ").append(priority).append(" ").append(alert.output());
  AppendString(output, out);
  AppendKey("output_fields", out);
  AppendFields(alert, out);
  AppendKey("priority", out);
  AppendString(priority, out);
  AppendKey("rule", out);
  AppendString(alert.rule(), out);
  AppendKey("source", out);
  AppendString(alert.source(), out);
  AppendKey("tags", out);
  AppendTags(alert, out);
  AppendKey("time", out);
  AppendString(Rfc3339(alert.time()), out);
  AppendKey("uid", out);
  AppendString(alert.uid(), out);
  *out += '}';
}

}  // namespace vakt
