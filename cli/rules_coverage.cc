// SPDX-License-Identifier: Apache-2.0
// vaktctl rules coverage: which techniques of MITRE ATT&CK the rules see, as a table or as a layer
// of the ATT&CK Navigator (layer format 4.5).
#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_join.h"
#include "cli/json.h"
#include "cli/load_rule_set.h"
#include "cli/text_table.h"
#include "cli/verbs.h"
#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/base/text.h"
#include "common/rulelang/rule_extras.h"

namespace vakt {
namespace {

// Rules by technique. As Falco's rules name techniques in their tags, these count too.
using Coverage = std::map<std::string, std::set<std::string>>;

Coverage CoverageOf(const RuleSet& rules) {
  Coverage coverage;
  for (const Rule& rule : rules.rules) {
    if (rule.step > 0) continue;
    for (const std::string& id : rule.attack.techniques) coverage[id].insert(rule.name);
    for (const std::string& tag : rule.tags) {
      if (IsAttackTechnique(tag)) coverage[tag].insert(rule.name);
    }
  }
  return coverage;
}

// The newest that a rule names; empty when none does.
std::string AttackVersion(const RuleSet& rules) {
  std::string newest;
  for (const Rule& rule : rules.rules) {
    const std::string& version = rule.attack.version;
    const auto length = [](const std::string& v) { return v.substr(0, v.find('.')).size(); };
    if (length(version) != length(newest) ? length(version) > length(newest) : version > newest) {
      newest = version;
    }
  }
  return newest;
}

std::string LayerJson(const RuleSet& rules, const Coverage& coverage) {
  size_t most = 1;
  JsonArray techniques;
  for (const auto& [id, names] : coverage) {
    most = std::max(most, names.size());
    techniques.AddJson(JsonObject()
                           .Add("techniqueID", id)
                           .Add("score", names.size())
                           .Add("comment", absl::StrJoin(names, "\n"))
                           .Add("enabled", true)
                           .Add("showSubtechniques", id.find('.') != std::string::npos)
                           .Text());
  }
  JsonObject versions;
  const std::string attack = AttackVersion(rules);
  if (!attack.empty()) versions.Add("attack", attack.substr(0, attack.find('.')));
  versions.Add("navigator", "5.1.0").Add("layer", "4.5");
  const std::string gradient = JsonObject()
                                   .AddJson("colors", R"(["#ffffff","#66b1ff"])")
                                   .Add("minValue", 0)
                                   .Add("maxValue", most)
                                   .Text();
  return JsonObject()
      .Add("name", "Vakt rules")
      .AddJson("versions", versions.Text())
      .Add("domain", "enterprise-attack")
      .Add("description",
           StrCat("Techniques that the enabled rules see; the score is the number of "
                  "rules. Rule set ",
                  rules.hash))
      .AddJson("techniques", techniques.Text())
      .AddJson("gradient", gradient)
      .Text();
}

}  // namespace

VerbResult RulesCoverage(const Invocation& invocation) {
  VAKT_ASSIGN_OR_RETURN(const std::shared_ptr<const RuleSet> rules,
                        LoadRuleSet(invocation.arguments.operands()));
  const Coverage coverage = CoverageOf(*rules);
  if (invocation.json()) {
    invocation.console.Line(LayerJson(*rules, coverage));
    return kSuccess;
  }
  TextTable table({"TECHNIQUE", "RULES", "NAMES"});
  for (const auto& [id, names] : coverage) {
    table.AddRow({{id}, {StrCat(names.size())}, {EscapeUtf8(absl::StrJoin(names, "; "))}});
  }
  table.Print(invocation.console);
  return kSuccess;
}

}  // namespace vakt
