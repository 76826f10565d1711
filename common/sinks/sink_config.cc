// SPDX-License-Identifier: Apache-2.0
#include "common/sinks/sink_config.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/base/text.h"
#include "common/config/setting_value.h"
#include "common/config/suggestion.h"

namespace vakt {
namespace {

constexpr size_t kMaxNameBytes = 64;
constexpr size_t kMaxSinks = 32;  // each has a thread

absl::Status Wrong(const GroupValue& value, std::string_view message) {
  return absl::InvalidArgumentError(StrCat(value.place, ": sinks.", value.name, ": ", message));
}

bool IsName(std::string_view name) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
  };
  return !name.empty() && name.size() <= kMaxNameBytes &&
         std::all_of(name.begin(), name.end(), allowed);
}

// A sink's values as the file has them, before its kind is known.
struct Section {
  std::string name;
  std::vector<const GroupValue*> values;
};

absl::StatusOr<std::vector<Section>> Sections(absl::Span<const GroupValue> values) {
  std::vector<Section> sections;
  for (const GroupValue& value : values) {
    const size_t dot = value.name.find('.');
    const std::string name = value.name.substr(0, dot);
    if (!IsName(name)) {
      return Wrong(value,
                   StrCat("a sink's name has 1 to ", kMaxNameBytes, " letters, digits, - and _"));
    }
    if (dot == std::string::npos) {
      return Wrong(value, "expected a mapping of keys, such as {kind: file, path: ...}");
    }
    const auto known = std::find_if(sections.begin(), sections.end(),
                                    [&](const Section& section) { return section.name == name; });
    Section& section = known != sections.end() ? *known : sections.emplace_back(Section{name, {}});
    section.values.push_back(&value);
  }
  return sections;
}

std::string_view KeyOf(const GroupValue& value) {
  return std::string_view(value.name).substr(value.name.find('.') + 1);
}

absl::StatusOr<SinkKind> KindOf(const Section& section) {
  std::vector<std::string_view> names;
  for (const SinkKindRow& row : AllSinkKinds()) names.push_back(row.name);
  for (const GroupValue* value : section.values) {
    if (KeyOf(*value) != "kind" || value->values.empty()) continue;
    if (const SinkKindRow* row = FindSinkKind(value->values[0])) return row->kind;
    return Wrong(*value, StrCat("'", EscapeUtf8(value->values[0]), "' is not a kind of sink",
                                DidYouMean(value->values[0], names),
                                ": http, syslog, alertmanager or file"));
  }
  return absl::InvalidArgumentError(
      StrCat(section.values[0]->place, ": sinks.", section.name,
             ".kind: is missing: http, syslog, alertmanager or file"));
}

absl::Status TakeValue(const GroupValue& given, SinkConfig* sink) {
  const std::string_view key = KeyOf(given);
  const SinkKeyRow* row = FindSinkKey(sink->kind, key);
  if (row == nullptr) {
    std::vector<std::string_view> known;
    for (const SinkKeyRow& each : AllSinkKeys()) {
      if (each.in(sink->kind)) known.push_back(each.name);
    }
    return Wrong(given, StrCat("a sink of kind ", RowOf(sink->kind).name, " has no such key",
                               DidYouMean(key, known)));
  }
  if (given.sequence && row->type != SettingType::kList) {
    return Wrong(given, "takes one value, not a list");
  }
  for (const std::string& text : given.values) {
    if (absl::Status bad = CheckSettingValue(row->AsSetting(), text); !bad.ok()) {
      return Wrong(given, Message(bad));
    }
  }
  std::vector<std::string> values = given.values;
  if (row->type == SettingType::kList && !given.sequence) values = SplitList(given.values[0]);
  if (row->required && (values.empty() || values[0].empty())) return Wrong(given, "is empty");
  sink->values[std::string(key)] = std::move(values);
  return absl::OkStatus();
}

// What one value alone cannot show.
absl::Status CheckWhole(const Section& section, const SinkConfig& sink) {
  const auto wrong = [&](std::string_view key, std::string_view message) {
    for (const GroupValue* value : section.values) {
      if (KeyOf(*value) == key) return Wrong(*value, message);
    }
    return absl::InvalidArgumentError(
        StrCat(section.values[0]->place, ": sinks.", sink.name, ".", key, ": ", message));
  };
  for (const SinkKeyRow& row : AllSinkKeys()) {
    if (row.in(sink.kind) && row.required && !sink.values.contains(row.name)) {
      return wrong(row.name,
                   StrCat("is missing: a sink of kind ", RowOf(sink.kind).name, " needs it"));
    }
  }
  const bool over_http = sink.kind == SinkKind::kHttp || sink.kind == SinkKind::kAlertmanager;
  if (over_http && !sink.Str("url").starts_with("http://") &&
      !sink.Str("url").starts_with("https://")) {
    return wrong("url", "must begin with https:// or http://");
  }
  if (sink.kind == SinkKind::kSyslog) {
    const std::string address = sink.Str("address");
    const size_t colon = address.rfind(':');
    if (colon == std::string::npos || colon == 0 || colon + 1 == address.size()) {
      return wrong("address", StrCat("'", EscapeUtf8(address), "' is not host:port"));
    }
  }
  if (sink.kind != SinkKind::kFile && sink.Str("cert").empty() != sink.Str("key").empty()) {
    return wrong(sink.Str("cert").empty() ? "key" : "cert", "cert and key go together");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<SinkConfig>> ParseSinks(absl::Span<const GroupValue> values) {
  VAKT_ASSIGN_OR_RETURN(const std::vector<Section> sections, Sections(values));
  if (sections.size() > kMaxSinks) {
    return absl::InvalidArgumentError(StrCat(sections[kMaxSinks].values[0]->place, ": sinks.",
                                             sections[kMaxSinks].name, ": there are more than ",
                                             kMaxSinks, " sinks"));
  }
  std::vector<SinkConfig> sinks;
  for (const Section& section : sections) {
    SinkConfig sink;
    sink.name = section.name;
    VAKT_ASSIGN_OR_RETURN(sink.kind, KindOf(section));
    for (const GroupValue* value : section.values) {
      VAKT_RETURN_IF_ERROR(TakeValue(*value, &sink));
    }
    VAKT_RETURN_IF_ERROR(CheckWhole(section, sink));
    sinks.push_back(std::move(sink));
  }
  return sinks;
}

std::vector<std::string> SinkConfig::List(std::string_view key) const {
  if (const auto given = values.find(key); given != values.end()) return given->second;
  const SinkKeyRow* row = FindSinkKey(kind, key);
  if (row == nullptr) {
    std::fprintf(stderr, "a sink of kind %s has no key %s\n", RowOf(kind).name.data(),
                 std::string(key).c_str());
    std::abort();
  }
  if (row->type == SettingType::kList) return SplitList(row->default_text);
  return {std::string(row->default_text)};
}

std::string SinkConfig::Str(std::string_view key) const {
  const std::vector<std::string> list = List(key);
  return list.empty() ? "" : list[0];
}

absl::Duration SinkConfig::Dur(std::string_view key) const {
  return ParseDuration(Str(key)).value_or(absl::ZeroDuration());
}

}  // namespace vakt
