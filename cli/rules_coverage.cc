// SPDX-License-Identifier: Apache-2.0
// vaktctl rules coverage: which techniques of MITRE ATT&CK the rules see and which controls they
// serve, as tables, as docs/reference/coverage.md, or as a layer of the ATT&CK Navigator (layer
// format 4.5; techniques alone).
#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
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

// Rules by framework ("pci-dss 4.0.1"), then by what is required ("10.2.1.2", in the order of its
// numbers), then by how strongly they serve it.
struct ById {
  bool operator()(const std::string& a, const std::string& b) const {
    return std::tuple(Key(a), a) < std::tuple(Key(b), b);
  }
  // Runs of digits count as numbers: 5.3.2 comes before 10.2.
  static std::vector<std::pair<std::string, uint64_t>> Key(std::string_view id) {
    std::vector<std::pair<std::string, uint64_t>> key;
    for (size_t i = 0; i < id.size();) {
      const size_t text = std::min(id.find_first_of("0123456789", i), id.size());
      const size_t end = std::min(id.find_first_not_of("0123456789", text), id.size());
      uint64_t number = 0;
      if (!absl::SimpleAtoi(ToAbsl(id.substr(text, end - text)), &number)) number = 0;
      key.emplace_back(std::string(id.substr(i, text - i)), number);
      i = end;
    }
    return key;
  }
};
using Strengths = std::map<std::string, std::set<std::string>>;
using Controls = std::map<std::string, std::map<std::string, Strengths, ById>>;

Controls ControlsOf(const RuleSet& rules) {
  Controls controls;
  for (const Rule& rule : rules.rules) {
    if (rule.step > 0) continue;
    for (const Control& control : rule.controls) {
      const std::string framework = control.version.empty()
                                        ? control.framework
                                        : StrCat(control.framework, " ", control.version);
      controls[framework][control.id][control.strength].insert(rule.name);
    }
  }
  return controls;
}

std::string RulesByStrength(const Strengths& strengths) {
  std::vector<std::string> parts;
  for (const auto& [strength, names] : strengths) {
    parts.push_back(StrCat(strength, ": ", absl::StrJoin(names, "; ")));
  }
  return absl::StrJoin(parts, ". ");
}

size_t CountRules(const Strengths& strengths) {
  std::set<std::string> all;
  for (const auto& [strength, names] : strengths) all.insert(names.begin(), names.end());
  return all.size();
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

void PrintTables(const Coverage& coverage, const Controls& controls, Console& console) {
  TextTable techniques({"TECHNIQUE", "RULES", "NAMES"});
  for (const auto& [id, names] : coverage) {
    techniques.AddRow({{id}, {StrCat(names.size())}, {absl::StrJoin(names, "; ")}});
  }
  techniques.Print(console);
  if (controls.empty()) return;
  console.Line("");
  TextTable served({"FRAMEWORK", "CONTROL", "RULES", "NAMES"});
  for (const auto& [framework, ids] : controls) {
    for (const auto& [id, strengths] : ids) {
      served.AddRow(
          {{framework}, {id}, {StrCat(CountRules(strengths))}, {RulesByStrength(strengths)}});
    }
  }
  served.Print(console);
}

std::string MarkdownCell(std::string_view text) {
  return absl::StrReplaceAll(ToAbsl(EscapeUtf8(text)), {{"|", "\\|"}});
}

void PrintMarkdown(const Coverage& coverage, const Controls& controls, Console& console) {
  console.Line("# What the rules cover\n");
  console.Line(
      "Generated by `vaktctl rules coverage --format markdown` from the rules' `attack` and");
  console.Line(
      "`controls` keys ([what they say](../formats/rules.md)); [each rule](rules.md). With");
  console.Line("`--format json` the techniques are a layer of the ATT&CK Navigator.\n");
  console.Line("## Techniques of MITRE ATT&CK\n");
  console.Line("| Technique | Rules |\n|---|---|");
  for (const auto& [id, names] : coverage) {
    console.Line(StrCat("| ", id, " | ", MarkdownCell(absl::StrJoin(names, "; ")), " |"));
  }
  for (const auto& [framework, ids] : controls) {
    console.Line(StrCat("\n## ", framework, "\n"));
    console.Line("| Control | Rules |\n|---|---|");
    for (const auto& [id, strengths] : ids) {
      console.Line(
          StrCat("| ", MarkdownCell(id), " | ", MarkdownCell(RulesByStrength(strengths)), " |"));
    }
  }
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
  const Controls controls = ControlsOf(*rules);
  if (invocation.format == "markdown") {
    PrintMarkdown(coverage, controls, invocation.console);
  } else {
    PrintTables(coverage, controls, invocation.console);
  }
  return kSuccess;
}

}  // namespace vakt
