// SPDX-License-Identifier: Apache-2.0
// Items of kind rule: definitions, appends, overrides, and switching a rule on or off.
#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/numbers.h"
#include "common/base/strings.h"
#include "common/base/text.h"
#include "common/rulelang/exceptions.h"
#include "common/rulelang/priority_names.h"
#include "common/rulelang/read_definitions.h"
#include "common/rulelang/read_extras.h"

namespace vakt {
namespace {

constexpr std::string_view kEventSource = "syscall";

constexpr std::string_view kRuleKeys[] = {"rule",
                                          "desc",
                                          "condition",
                                          "output",
                                          "priority",
                                          "source",
                                          "enabled",
                                          "tags",
                                          "append",
                                          "override",
                                          "exceptions",
                                          "warn_evttypes",
                                          "skip-if-unknown-filter",
                                          "capture",
                                          "capture_duration"};
constexpr std::string_view kRequiredKeys[] = {"desc", "condition", "output", "priority"};

constexpr OverrideRow kRuleOverrides[] = {
    {"condition", true}, {"output", true},           {"desc", true},
    {"tags", true},      {"exceptions", true},       {"priority", false},
    {"enabled", false},  {"warn_evttypes", false},   {"skip-if-unknown-filter", false},
    {"capture", false},  {"capture_duration", false}};

bool ReadPriority(const ItemReader& item, int* priority) {
  std::string text;
  if (!item.Has("priority")) return true;
  if (!item.Text("priority", &text)) return false;
  if (FindPriority(text, priority)) return true;
  return item.Error(
      *item.Find("priority"),
      StrCat("'", EscapeUtf8(text), "' is no priority; the priorities are ", PriorityList()));
}

bool ReadTags(const ItemReader& item, Change change, std::set<std::string>* tags) {
  std::vector<std::string> texts;
  if (!item.Texts("tags", &texts)) return false;
  if (change != Change::kAppend) tags->clear();
  tags->insert(texts.begin(), texts.end());
  return true;
}

// Without the line end that a YAML block (`>` or `|`) brings along: it is not part of the message.
bool ReadTextProperty(const ItemReader& item, std::string_view key, Change change,
                      std::string* out) {
  std::string text;
  if (!item.Text(key, &text)) return false;
  text.resize(text.find_last_not_of(" \t\r\n") + 1);
  *out = change == Change::kAppend ? StrCat(*out, " ", text) : text;
  return true;
}

bool ReadCondition(const ItemReader& item, Change change, SourceText* out) {
  SourceText text;
  if (!item.Condition("condition", &text)) return false;
  if (change == Change::kAppend) {
    out->Append(text);
  } else {
    *out = std::move(text);
  }
  return true;
}

bool ReadCaptureDuration(const ItemReader& item) {
  const YamlNode* value = item.Find("capture_duration");
  uint64_t milliseconds = 0;
  if (value->is_scalar() && absl::SimpleAtoi(value->text, &milliseconds)) return true;
  return item.Error(*value, "`capture_duration` is a number of milliseconds");
}

// Captures are not made; the keys are checked and the wish is answered with a warning.
bool ReadCapture(const ItemReader& item) {
  bool capture = false;
  if (!item.Flag("capture", &capture)) return false;
  if (capture) {
    item.Warning(kUnknownKey, *item.Find("capture"),
                 "captures of rules are not supported; the rule fires without one");
  }
  return true;
}

bool ReadProperty(const ItemReader& item, std::string_view key, Change change,
                  RuleDefinition* rule) {
  if (key == "condition") return ReadCondition(item, change, &rule->condition);
  if (key == "output") {
    rule->output_position = item.PositionOf(*item.Find(key));
    return ReadTextProperty(item, key, change, &rule->output);
  }
  if (key == "desc") return ReadTextProperty(item, key, change, &rule->desc);
  if (key == "tags") return ReadTags(item, change, &rule->tags);
  if (key == "exceptions") return ReadExceptions(item, change, &rule->exceptions);
  if (key == "priority") return ReadPriority(item, &rule->priority);
  if (key == "enabled") return item.Flag(key, &rule->enabled);
  if (key == "warn_evttypes") return item.Flag(key, &rule->warn_evttypes);
  if (key == "skip-if-unknown-filter") return item.Flag(key, &rule->skip_if_unknown_filter);
  if (key == "capture") return ReadCapture(item);
  return ReadCaptureDuration(item);
}

// A missing source, or an empty one in a change, is that of the earlier definition.
bool ReadSource(const ItemReader& item, const RuleDefinition* existing, RuleDefinition* rule) {
  std::string source;
  if (!item.Text("source", &source)) return false;
  if (source.empty()) source = existing != nullptr ? existing->source : kEventSource;
  if (existing != nullptr && existing->source != source) {
    return item.Conflict(*item.Find("source"),
                         StrCat("the rule was defined for source ", existing->source,
                                "; give a rule for another source another name"));
  }
  rule->source = source;
  if (source != kEventSource) {
    rule->unknown_source = true;
    item.Warning(
        kUnknownSource, item.node(),
        StrCat("no events come from source '", EscapeUtf8(source), "'; the rule is skipped"));
  }
  return true;
}

void DefineRule(const ItemReader& item, Definitions* definitions) {
  for (const std::string_view key : kRequiredKeys) {
    if (item.Has(key)) continue;
    item.Error(item.node(), StrCat("a rule needs `", key, "`"));
    return;
  }
  RuleDefinition rule;
  rule.name = item.name();
  rule.position = item.position();
  if (!ReadSource(item, definitions->rules.Find(item.name()), &rule)) return;
  for (const OverrideRow& row : kRuleOverrides) {
    if (item.Has(row.key) && !ReadProperty(item, row.key, Change::kDefine, &rule)) return;
  }
  if (!ReadExtras(item, &rule.extras)) return;
  definitions->rules.Put(std::move(rule), ++definitions->last_ordinal);
}

RuleDefinition* FindExisting(const ItemReader& item, Definitions* definitions) {
  RuleDefinition* rule = definitions->rules.Find(item.name());
  if (rule == nullptr) {
    item.Conflict(
        item.node(),
        "there is no rule of this name to change; define it first, or in an earlier file");
  }
  return rule;
}

// Deprecated: `append: true` with a condition or exceptions.
void AppendToRule(const ItemReader& item, Definitions* definitions) {
  item.Warning(kDeprecatedItem, *item.Find("append"),
               "`append` is deprecated; write `override` with `append` instead");
  if (!item.Has("condition") && !item.Has("exceptions")) {
    item.Conflict(item.node(), "`append` needs a `condition` or `exceptions` to append");
    return;
  }
  RuleDefinition* rule = FindExisting(item, definitions);
  if (rule == nullptr || !ReadSource(item, rule, rule)) return;
  rule->visible = ++definitions->last_ordinal;
  if (!ReadExtras(item, &rule->extras)) return;
  for (const std::string_view key : {"condition", "exceptions"}) {
    if (item.Has(key) && !ReadProperty(item, key, Change::kAppend, rule)) return;
  }
}

void OverrideRule(const ItemReader& item, Definitions* definitions) {
  std::vector<OverrideEntry> entries;
  if (!ReadOverride(item, kRuleOverrides, &entries)) return;
  RuleDefinition* rule = FindExisting(item, definitions);
  if (rule == nullptr || !ReadSource(item, rule, rule)) return;
  rule->visible = ++definitions->last_ordinal;
  if (!ReadExtras(item, &rule->extras)) return;
  for (const Change change : {Change::kAppend, Change::kReplace}) {
    for (const OverrideEntry& entry : entries) {
      if (entry.change == change && !ReadProperty(item, entry.key, change, rule)) return;
    }
  }
}

// An item with our keys alone, or (deprecated) with `enabled` alone.
void SwitchRule(const ItemReader& item, Definitions* definitions) {
  const bool has_extras = std::any_of(ExtraKeys().begin(), ExtraKeys().end(),
                                      [&](std::string_view key) { return item.Has(key); });
  if (!item.Has("enabled") && !has_extras) {
    item.Error(item.node(), "a rule needs `desc`, `condition`, `output` and `priority`");
    return;
  }
  if (const YamlNode* enabled = item.Find("enabled")) {
    item.Warning(
        kDeprecatedItem, *enabled,
        "an item with `enabled` alone is deprecated; write `override: {enabled: replace}`");
  }
  RuleDefinition* rule = FindExisting(item, definitions);
  if (rule == nullptr || !item.Flag("enabled", &rule->enabled)) return;
  ReadExtras(item, &rule->extras);
}

}  // namespace

void ReadRule(const ItemReader& item, Definitions* definitions) {
  static const auto* const keys = [] {
    auto* all = new std::vector<std::string_view>(std::begin(kRuleKeys), std::end(kRuleKeys));
    all->insert(all->end(), ExtraKeys().begin(), ExtraKeys().end());
    return all;
  }();
  item.WarnOfKeysNotIn(*keys);
  bool append = false;
  if (!item.Flag("append", &append)) return;
  if (item.Has("override")) {
    OverrideRule(item, definitions);
  } else if (append) {
    AppendToRule(item, definitions);
  } else if (std::none_of(std::begin(kRequiredKeys), std::end(kRequiredKeys),
                          [&](std::string_view key) { return item.Has(key); })) {
    SwitchRule(item, definitions);
  } else {
    DefineRule(item, definitions);
  }
}

}  // namespace vakt
