// SPDX-License-Identifier: Apache-2.0
// vaktctl rules test: runs *.test.yaml files (docs/formats/rule_test.md) through the stages that
// the agent runs.
#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/str_join.h"
#include "agent/app/pipeline.h"
#include "cli/json.h"
#include "cli/load_rule_set.h"
#include "cli/verbs.h"
#include "common/base/file.h"
#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/base/text.h"
#include "common/event_codec/event_codec.h"
#include "common/ruletest/rule_case.h"

namespace vakt {
namespace {

constexpr std::string_view kTestSuffix = ".test.yaml";

// What the words of the command line name: rules to load, and test files.
struct Sources {
  std::vector<std::string> rules;
  std::vector<std::string> tests;
};

absl::Status AddTestsBelow(const std::string& directory, std::vector<std::string>* tests) {
  std::error_code error;
  std::filesystem::recursive_directory_iterator at(directory, error);
  for (; !error && at != std::filesystem::recursive_directory_iterator(); at.increment(error)) {
    if (at->path().native().ends_with(kTestSuffix)) tests->push_back(at->path().native());
  }
  return error ? ErrnoStatus(error.value(), EscapeUtf8(directory)) : absl::OkStatus();
}

absl::StatusOr<Sources> FindSources(const std::vector<std::string>& paths) {
  Sources sources;
  for (const std::string& path : paths) {
    std::error_code error;
    if (path.ends_with(kTestSuffix)) {
      sources.tests.push_back(path);
      continue;
    }
    sources.rules.push_back(path);
    if (std::filesystem::is_directory(path, error)) {
      VAKT_RETURN_IF_ERROR(AddTestsBelow(path, &sources.tests));
    }
  }
  std::sort(sources.tests.begin(), sources.tests.end());
  if (sources.tests.empty()) {
    return absl::NotFoundError(
        StrCat("no *.test.yaml below ", EscapeUtf8(absl::StrJoin(paths, " "))));
  }
  if (sources.rules.empty()) {
    return absl::InvalidArgumentError("name the rules too: vaktctl rules test RULES... TESTS...");
  }
  return sources;
}

absl::StatusOr<std::vector<RuleCase>> ReadCases(const std::vector<std::string>& paths) {
  std::vector<RuleCase> cases;
  for (const std::string& path : paths) {
    VAKT_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
    absl::StatusOr<std::vector<RuleCase>> parsed = ParseRuleTests(path, text);
    if (!parsed.ok()) return FileError(parsed.status());
    std::move(parsed->begin(), parsed->end(), std::back_inserter(cases));
  }
  return cases;
}

class FiredRules final : public PipelineOutput {
 public:
  void OnAlert(const v1::Alert& alert) override { rules.push_back(alert.rule()); }
  void OnGap(const v1::Gap&) override {}

  std::vector<std::string> rules;
};

// The rules that fire on the case's last event, in definition order.
absl::StatusOr<std::vector<std::string>> RunCase(const RuleCase& test,
                                                 const std::shared_ptr<const RuleSet>& rules) {
  VAKT_ASSIGN_OR_RETURN(std::unique_ptr<Matcher> matcher, Matcher::Compile(rules, MatchMode::kAll));
  FiredRules fired;
  Pipeline pipeline(NodeFacts(), std::make_unique<AccountTable>(v1::NodeFacts()),
                    std::move(matcher), &fired);
  for (const v1::Event& message : test.events) {
    std::string argv;
    Event event;
    if (!EventFromProto(message, &argv, &event)) {
      return absl::InternalError(
          StrCat(EscapeUtf8(test.path), ":", test.line, ": an event cannot be read back"));
    }
    fired.rules.clear();
    pipeline.OnEvent(event);
  }
  return fired.rules;
}

std::string CaseJson(const RuleCase& test, bool ok, const std::vector<std::string>& fired) {
  JsonArray rules;
  for (const std::string& rule : fired) rules.AddJson(JsonString(rule));
  return JsonObject()
      .Add("file", test.path)
      .Add("line", test.line)
      .Add("rule", test.rule)
      .Add("name", test.name)
      .Add("expect", test.expect_fire ? "fire" : "quiet")
      .Add("ok", ok)
      .AddJson("fired", rules.Text())
      .Text();
}

void PrintFailure(const RuleCase& test, const std::vector<std::string>& fired, Console& console) {
  console.Line(
      StrCat(EscapeUtf8(test.path), ":", test.line, ": ", console.Styled(Style::kRed, "failed"),
             ": ", EscapeUtf8(test.rule), ": ", EscapeUtf8(test.name), ": should ",
             test.expect_fire ? "fire" : "be quiet",
             "; fired: ", fired.empty() ? "none" : EscapeUtf8(absl::StrJoin(fired, ", "))));
}

}  // namespace

VerbResult RulesTest(const Invocation& invocation) {
  Console& console = invocation.console;
  VAKT_ASSIGN_OR_RETURN(const Sources sources, FindSources(invocation.arguments.operands()));
  VAKT_ASSIGN_OR_RETURN(const std::shared_ptr<const RuleSet> rules, LoadRuleSet(sources.rules));
  VAKT_ASSIGN_OR_RETURN(const std::vector<RuleCase> cases, ReadCases(sources.tests));
  JsonArray results;
  size_t failed = 0;
  for (const RuleCase& test : cases) {
    VAKT_ASSIGN_OR_RETURN(const std::vector<std::string> fired, RunCase(test, rules));
    const bool fires = std::find(fired.begin(), fired.end(), test.rule) != fired.end();
    const bool ok = fires == test.expect_fire;
    if (!ok) ++failed;
    if (invocation.json()) {
      results.AddJson(CaseJson(test, ok, fired));
    } else if (!ok) {
      PrintFailure(test, fired, console);
    }
  }
  const size_t passed = cases.size() - failed;
  if (invocation.json()) {
    console.Line(JsonObject()
                     .Add("passed", passed)
                     .Add("failed", failed)
                     .AddJson("cases", results.Text())
                     .Text());
  } else {
    console.Line(StrCat(passed, " passed, ", failed, " failed"));
  }
  return failed == 0 ? kSuccess : kFailure;
}

}  // namespace vakt
