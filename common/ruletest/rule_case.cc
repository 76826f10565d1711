// SPDX-License-Identifier: Apache-2.0
#include "common/ruletest/rule_case.h"

#include <utility>

#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/rulelang/yaml_reader.h"
#include "common/ruletest/event_script.h"

namespace vakt {
namespace {

absl::Status At(std::string_view path, SourcePosition where, std::string_view what) {
  return absl::InvalidArgumentError(StrCat(path, ":", where.line, ": ", what));
}

// The text of a key that a case must have.
absl::Status ReadKey(std::string_view path, const YamlNode& node, std::string_view key,
                     std::string* out) {
  const YamlNode* value = node.Find(key);
  if (value == nullptr || !value->is_scalar() || value->text.empty()) {
    return At(path, node.position, StrCat("a test needs ", key, ": text"));
  }
  *out = value->text;
  return absl::OkStatus();
}

absl::Status CheckKeys(std::string_view path, const YamlNode& node) {
  for (const YamlEntry& entry : node.entries) {
    const std::string& key = entry.key.text;
    if (key != "rule" && key != "name" && key != "expect" && key != "events") {
      return At(path, entry.key.position,
                StrCat("a test has no key \"", key, "\"; it has rule, name, expect and events"));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<RuleCase> ParseCase(std::string_view path, const YamlNode& node) {
  if (!node.is_mapping()) return At(path, node.position, "expected a test: rule, name, expect...");
  RuleCase out;
  out.path = std::string(path);
  out.line = node.position.line;
  std::string expect;
  VAKT_RETURN_IF_ERROR(CheckKeys(path, node));
  VAKT_RETURN_IF_ERROR(ReadKey(path, node, "rule", &out.rule));
  VAKT_RETURN_IF_ERROR(ReadKey(path, node, "name", &out.name));
  VAKT_RETURN_IF_ERROR(ReadKey(path, node, "expect", &expect));
  if (expect != "fire" && expect != "quiet") {
    return At(path, node.position, StrCat("expect is fire or quiet, not \"", expect, "\""));
  }
  out.expect_fire = expect == "fire";
  const YamlNode* events = node.Find("events");
  if (events == nullptr || !events->is_sequence() || events->items.empty()) {
    return At(path, node.position, "a test needs events: a list with at least one");
  }
  EventScript script;
  for (const YamlNode& item : events->items) {
    SourcePosition where;
    absl::StatusOr<v1::Event> event = script.Add(item, &where);
    if (!event.ok()) return At(path, where, Message(event.status()));
    out.events.push_back(*std::move(event));
  }
  return out;
}

}  // namespace

absl::StatusOr<std::vector<RuleCase>> ParseRuleTests(std::string_view path, std::string_view yaml) {
  YamlError error;
  const std::vector<YamlNode> documents = ReadYaml(yaml, YamlLimits{}, &error);
  if (!error.message.empty()) return At(path, error.position, error.message);
  if (documents.size() != 1 || documents[0].Find("tests") == nullptr ||
      !documents[0].Find("tests")->is_sequence()) {
    return At(path, SourcePosition{.line = 1}, "a test file is one mapping, tests: [...]");
  }
  std::vector<RuleCase> cases;
  for (const YamlNode& node : documents[0].Find("tests")->items) {
    VAKT_ASSIGN_OR_RETURN(RuleCase parsed, ParseCase(path, node));
    cases.push_back(std::move(parsed));
  }
  return cases;
}

}  // namespace vakt
