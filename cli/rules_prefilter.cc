// SPDX-License-Identifier: Apache-2.0
// vaktctl rules prefilter
#include <string>
#include <string_view>
#include <vector>

#include "agent/match/prefilter.h"
#include "cli/json.h"
#include "cli/load_rule_set.h"
#include "cli/text_table.h"
#include "cli/verbs.h"
#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/base/text.h"

namespace vakt {
namespace {

using KindView = Prefilter::KindView;
using RuleView = Prefilter::RuleView;

// What the kernel looks at for the rule; empty: it sends every event of the kind.
std::string Looks(const RuleView& rule) {
  std::string text;
  const auto add = [&text](std::string_view name, std::string_view what) {
    if (what.empty()) return;
    text += StrCat(text.empty() ? "" : "; ", name, ": ", what);
  };
  add("opened", rule.opened);
  add("argument", rule.misnamed ? "names another file" : "");
  add("path", rule.path);
  add("ends", rule.ends);
  add("process", rule.process);
  return text;
}

std::string RuleJson(const RuleView& rule) {
  return JsonObject()
      .Add("rule", rule.rule->name)
      .Add("class", rule.class_index)
      .Add("opened", rule.opened)
      .Add("misnamed", rule.misnamed)
      .Add("path", rule.path)
      .Add("ends", rule.ends)
      .Add("process", rule.process)
      .Add("obstacle", rule.obstacle)
      .Text();
}

std::string KindJson(const KindView& view) {
  JsonArray rules;
  for (const RuleView& rule : view.rules) rules.AddJson(RuleJson(rule));
  return JsonObject()
      .Add("kind", KindStem(view.kind))
      .Add("filtered", view.filtered)
      .Add("classes", view.classes)
      .AddJson("rules", rules.Text())
      .Text();
}

void PrintForPeople(const KindView& view, Console& console) {
  const std::string_view stem = KindStem(view.kind);
  if (!view.filtered) {
    console.Line(StrCat(console.Styled(Style::kBold, stem), ": all events are sent (",
                        view.rules.size(), " rules)"));
    return;
  }
  console.Line(StrCat(console.Styled(Style::kBold, stem), ": ", view.rules.size(), " rules in ",
                      view.classes, " classes"));
  TextTable table({"CLASS", "RULE", "THE KERNEL LOOKS AT", "NOT AT THE PATH, BECAUSE OF"});
  for (const RuleView& rule : view.rules) {
    const std::string looks = Looks(rule);
    table.AddRow({{StrCat(rule.class_index)},
                  {EscapeUtf8(rule.rule->name)},
                  {looks.empty() ? "nothing: sends all" : EscapeUtf8(looks),
                   looks.empty() ? Style::kYellow : Style::kPlain},
                  {EscapeUtf8(rule.obstacle)}});
  }
  table.Print(console);
}

}  // namespace

VerbResult RulesPrefilter(const Invocation& invocation) {
  VAKT_ASSIGN_OR_RETURN(const auto rules, LoadRuleSet(invocation.arguments.operands()));
  const Prefilter prefilter(rules);
  if (invocation.json()) {
    JsonArray array;
    for (const KindView& view : prefilter.views()) array.AddJson(KindJson(view));
    invocation.console.Line(array.Text());
    return kSuccess;
  }
  for (const KindView& view : prefilter.views()) {
    if (!view.rules.empty()) PrintForPeople(view, invocation.console);
  }
  return kSuccess;
}

}  // namespace vakt
