// SPDX-License-Identifier: Apache-2.0
// vaktctl rules explain: why a rule fires on an event, or why it does not.
#include <algorithm>
#include <cstdint>
#include <iostream>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_join.h"
#include "agent/app/replay.h"
#include "cli/explanation.h"
#include "cli/json.h"
#include "cli/load_rule_set.h"
#include "cli/verbs.h"
#include "common/base/file.h"
#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/base/text.h"
#include "common/event/kind.h"

namespace vakt {
namespace {

struct Explained {
  uint64_t num = 0;
  std::string type;
  bool possible = false;  // the rule looks at events of this type
  Explanation condition;
};

Explained ExplainEvent(const Rule& rule, const Event& event) {
  Explained out;
  out.num = event.num;
  out.type = event.type == kNoEventType ? "" : std::string(AllEventTypes()[event.type].name);
  out.possible = rule.event_types.Contains(event.type);
  out.condition = Explain(*rule.condition, event);
  return out;
}

absl::StatusOr<std::string> ReadScript(const std::string& path) {
  if (path != "-") return ReadFile(path);
  return std::string(std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>());
}

// The last event of a script, or the one of that number of a recording.
absl::StatusOr<Explained> ExplainFrom(const Arguments& arguments, const Rule& rule) {
  std::optional<Explained> explained;
  if (arguments.Has("--event")) {
    const std::string path = arguments.Text("--event");
    VAKT_ASSIGN_OR_RETURN(const std::string yaml, ReadScript(path));
    const absl::Status played = PlayScript(path, yaml, [&](const Event& event) {
      explained = ExplainEvent(rule, event);
      return true;
    });
    VAKT_RETURN_IF_ERROR(FileError(played));
    return *explained;
  }
  if (!arguments.Has("--recording") || !arguments.Has("--num")) {
    return absl::InvalidArgumentError("which event? --event FILE, or --recording FILE --num N");
  }
  const std::string path = arguments.Text("--recording");
  const uint64_t num = arguments.Count("--num");
  const absl::Status played = PlayRecording(path, [&](const Event& event) {
    if (event.num != num) return true;
    explained = ExplainEvent(rule, event);
    return false;
  });
  VAKT_RETURN_IF_ERROR(FileError(played));
  if (explained) return *explained;
  return absl::NotFoundError(StrCat(EscapeUtf8(path), " has no event ", num));
}

std::string ValuesText(const Explanation& check) {
  if (check.values.empty()) return "null";
  std::vector<std::string> texts;
  for (const std::string& value : check.values) texts.push_back(JsonString(value));
  return absl::StrJoin(texts, ", ");
}

void PrintTree(const Explanation& part, size_t depth, Console& console) {
  std::string line(2 * depth, ' ');
  const std::string mark = part.holds ? "true " : "false";
  const Style style = part.holds ? Style::kGreen : Style::kRed;
  line += part.decides ? console.Styled(style, mark) : console.Styled(Style::kFaint, mark);
  line += StrCat(part.decides ? " > " : "   ", EscapeUtf8(part.text));
  if (part.is_check) line += StrCat("   was ", ValuesText(part));
  console.Line(line);
  for (const Explanation& child : part.parts) PrintTree(child, depth + 1, console);
}

std::string TreeJson(const Explanation& part) {
  JsonObject object;
  object.Add(part.is_check ? "check" : "op", part.text)
      .Add("holds", part.holds)
      .Add("decides", part.decides);
  if (part.is_check) {
    JsonArray values;
    for (const std::string& value : part.values) values.AddJson(JsonString(value));
    return object.AddJson("values", values.Text()).Text();
  }
  JsonArray parts;
  for (const Explanation& child : part.parts) parts.AddJson(TreeJson(child));
  return object.AddJson("parts", parts.Text()).Text();
}

}  // namespace

VerbResult RulesExplain(const Invocation& invocation) {
  const std::vector<std::string>& operands = invocation.arguments.operands();
  const std::vector<std::string> paths(operands.begin() + 1, operands.end());
  VAKT_ASSIGN_OR_RETURN(const std::shared_ptr<const RuleSet> rules, LoadRuleSet(paths));
  const auto rule = std::find_if(rules->rules.begin(), rules->rules.end(),
                                 [&](const Rule& r) { return r.name == operands[0]; });
  if (rule == rules->rules.end()) {
    return absl::NotFoundError(
        StrCat("no enabled rule is called \"", EscapeUtf8(operands[0]), "\""));
  }
  VAKT_ASSIGN_OR_RETURN(const Explained explained, ExplainFrom(invocation.arguments, *rule));
  const bool fires = explained.possible && explained.condition.holds;
  Console& console = invocation.console;
  if (invocation.json()) {
    console.Line(JsonObject()
                     .Add("rule", rule->name)
                     .Add("event", explained.num)
                     .Add("type", explained.type)
                     .Add("fires", fires)
                     .AddJson("condition", TreeJson(explained.condition))
                     .Text());
    return fires ? kSuccess : kFailure;
  }
  console.Line(StrCat(EscapeUtf8(rule->name), fires ? " fires" : " does not fire", " on event ",
                      explained.num, " (", explained.type, ")",
                      explained.possible ? "" : ": it looks at other types"));
  PrintTree(explained.condition, 0, console);
  return fires ? kSuccess : kFailure;
}

}  // namespace vakt
