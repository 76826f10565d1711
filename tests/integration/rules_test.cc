// SPDX-License-Identifier: Apache-2.0
// The shipped rules: they load without a warning, and each fires and stays quiet where its tests
// say, run through the stages that the agent runs.
#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/app/pipeline.h"
#include "common/base/file.h"
#include "common/base/strings.h"
#include "common/event_codec/event_codec.h"
#include "common/rulelang/load.h"
#include "common/ruletest/rule_case.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace vakt {
namespace {

const std::string kRulesDir = StrCat(VAKT_SOURCE_DIR, "/rules");

// Keeps the rules of the alerts on the newest event.
class FiredRules : public PipelineOutput {
 public:
  void OnAlert(const v1::Alert& alert) override { rules.push_back(alert.rule()); }
  void OnGap(const v1::Gap&) override {}

  std::vector<std::string> rules;
};

LoadResult LoadShippedRules() {
  const std::string paths[] = {kRulesDir};
  auto files = ReadRuleFiles(paths);
  EXPECT_TRUE(files.ok()) << files.status();
  return LoadRules(*files);
}

std::vector<RuleCase> ReadCases() {
  std::vector<RuleCase> cases;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(kRulesDir)) {
    const std::string path = entry.path().string();
    if (!path.ends_with(".test.yaml")) continue;
    auto text = ReadFile(path);
    EXPECT_TRUE(text.ok()) << text.status();
    auto parsed = ParseRuleTests(path, *text);
    EXPECT_TRUE(parsed.ok()) << parsed.status();
    if (!parsed.ok()) continue;
    cases.insert(cases.end(), parsed->begin(), parsed->end());
  }
  return cases;
}

// The rules that fire on the case's last event.
std::vector<std::string> RunCase(const RuleCase& test, std::shared_ptr<const RuleSet> rules) {
  auto matcher = Matcher::Compile(std::move(rules), MatchMode::kAll);
  EXPECT_TRUE(matcher.ok()) << matcher.status();
  FiredRules fired;
  Pipeline pipeline(NodeFacts{}, std::make_unique<AccountTable>(v1::NodeFacts()),
                    *std::move(matcher), &fired);
  for (const v1::Event& message : test.events) {
    fired.rules.clear();
    std::string argv;
    Event event;
    EXPECT_TRUE(EventFromProto(message, &argv, &event)) << message.ShortDebugString();
    pipeline.OnEvent(event);
  }
  return fired.rules;
}

TEST(ShippedRules, LoadWithoutErrorsAndWarnings) {
  const LoadResult result = LoadShippedRules();
  EXPECT_TRUE(result.ok);
  for (const FileResult& file : result.files) {
    for (const LoadMessage& m : file.errors) {
      ADD_FAILURE() << file.path << ":" << m.line << ": " << m.code << " " << m.message;
    }
    for (const LoadMessage& m : file.warnings) {
      ADD_FAILURE() << file.path << ":" << m.line << ": " << m.code << " " << m.message;
    }
  }
}

TEST(ShippedRules, FireAndStayQuietAsTheirTestsSay) {
  const LoadResult loaded = LoadShippedRules();
  ASSERT_TRUE(loaded.ok);
  for (const RuleCase& test : ReadCases()) {
    const std::vector<std::string> fired = RunCase(test, loaded.rules);
    const bool fires = std::count(fired.begin(), fired.end(), test.rule) > 0;
    EXPECT_EQ(fires, test.expect_fire)
        << test.path << ":" << test.line << ": " << test.rule << ": " << test.name;
  }
}

TEST(ShippedRules, EachHasACaseThatFiresAndOneThatDoesNot) {
  const LoadResult loaded = LoadShippedRules();
  ASSERT_TRUE(loaded.ok);
  std::map<std::string, std::pair<int, int>> cases;  // fire, quiet
  for (const RuleCase& test : ReadCases()) {
    ++(test.expect_fire ? cases[test.rule].first : cases[test.rule].second);
  }
  EXPECT_GE(loaded.rules->rules.size(), 10u);
  for (const Rule& rule : loaded.rules->rules) {
    if (rule.step > 0) continue;  // of the rule before
    EXPECT_GT(cases[rule.name].first, 0) << rule.name << " has no case that fires";
    EXPECT_GT(cases[rule.name].second, 0) << rule.name << " has no case that is quiet";
    cases.erase(rule.name);
  }
  for (const auto& [rule, count] : cases) ADD_FAILURE() << "tests of an unknown rule: " << rule;
}

// What an analyst needs, and what a reader of the rule needs.
TEST(ShippedRules, AreComplete) {
  const LoadResult loaded = LoadShippedRules();
  ASSERT_TRUE(loaded.ok);
  for (const Rule& rule : loaded.rules->rules) {
    if (rule.step > 0) continue;  // of the rule before
    for (const char* field : {"%proc.name", "%proc.pid", "%proc.pname", "%user.name",
                              "%proc.cmdline", "%proc.exepath", "%proc.tty"}) {
      EXPECT_THAT(rule.output_text, ::testing::HasSubstr(field)) << rule.name;
    }
    EXPECT_THAT(rule.desc, ::testing::HasSubstr("False positives:")) << rule.name;
    EXPECT_FALSE(rule.tags.empty()) << rule.name;
    EXPECT_EQ(rule.source, "syscall");
  }
}

}  // namespace
}  // namespace vakt
