// SPDX-License-Identifier: Apache-2.0
#include "agent/match/matcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/strings.h"
#include "common/rulelang/load.h"
#include "tests/unit/common/rulelang/rule_text.h"

namespace vakt {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::string RuleText(std::string_view name, std::string_view condition,
                     std::string_view priority = "NOTICE") {
  return StrCat("- rule: ", name, "\n  desc: d\n  output: o\n  priority: ", priority,
                "\n  condition: ", condition, "\n");
}

std::unique_ptr<Matcher> MatcherOf(const std::string& text, MatchMode mode = MatchMode::kAll,
                                   int priority_floor = 7) {
  const LoadResult result = LoadTexts({text});
  EXPECT_THAT(ErrorsOf(result), IsEmpty());
  auto matcher = Matcher::Compile(result.rules, mode, priority_floor);
  EXPECT_TRUE(matcher.ok()) << matcher.status();
  return *std::move(matcher);
}

std::vector<std::string> Fired(Matcher& matcher, const Event& event) {
  std::vector<const Rule*> matched = {nullptr};
  matcher.Match(event, &matched);
  std::vector<std::string> names;
  for (const Rule* rule : matched) names.push_back(rule->name);
  return names;
}

class MatcherTest : public testing::Test {
 protected:
  SampleProcesses processes_;
  Event open_ = OpenEvent(processes_);
  Event connect_ = ConnectEvent(processes_);
};

TEST_F(MatcherTest, FiresInDefinitionOrder) {
  const std::string text = RuleText("by_name", "proc.name = bash") +
                           RuleText("by_path", "fd.name startswith /etc") +
                           RuleText("other", "proc.name = zsh") +
                           RuleText("by_parent", "evt.type = openat and proc.pname = sshd");
  auto all = MatcherOf(text);
  EXPECT_THAT(Fired(*all, open_), ElementsAre("by_name", "by_path", "by_parent"));
  EXPECT_THAT(Fired(*all, connect_), ElementsAre("by_name"));
  auto first = MatcherOf(text, MatchMode::kFirst);
  EXPECT_THAT(Fired(*first, open_), ElementsAre("by_name"));
}

TEST_F(MatcherTest, LeavesOutLessSevereRules) {
  const std::string text = RuleText("debug", "evt.type = openat", "DEBUG") +
                           RuleText("error", "evt.type = connect", "ERROR");
  auto matcher = MatcherOf(text, MatchMode::kAll, /*priority_floor=*/3);
  EXPECT_THAT(Fired(*matcher, open_), IsEmpty());
  EXPECT_THAT(Fired(*matcher, connect_), ElementsAre("error"));
  EXPECT_EQ(matcher->kinds(), KindBit(Kind::network_connect));
  EXPECT_EQ(matcher->rules().rules.size(), 2u);
}

TEST_F(MatcherTest, TypeDecidesWhatItCan) {
  auto matcher = MatcherOf(RuleText("r", "not evt.type in (connect, accept)"));
  EXPECT_THAT(Fired(*matcher, open_), ElementsAre("r"));
  EXPECT_THAT(Fired(*matcher, connect_), IsEmpty());
  EXPECT_EQ(matcher->evaluations(), 0u);
  Event seed;
  seed.process = &processes_.bash;
  EXPECT_THAT(Fired(*matcher, seed), ElementsAre("r"));  // no type: evt.type is null
}

TEST_F(MatcherTest, EvaluatesSharedChecksOnce) {
  std::string text;
  for (int i = 0; i < 50; ++i) {
    text += RuleText(StrCat("r", i), StrCat("evt.type = openat and proc.args contains Hello and "
                                            "fd.name != /x",
                                            i % 2));
  }
  auto matcher = MatcherOf(text);
  EXPECT_EQ(Fired(*matcher, open_).size(), 50u);
  EXPECT_EQ(matcher->evaluations(), 3u);
}

TEST_F(MatcherTest, LooksRareValuesUp) {
  std::string text;
  for (int i = 0; i < 100; ++i) {
    text += RuleText(StrCat("r", i), StrCat("proc.name = tool", i, " and fd.name contains x", i));
  }
  auto matcher = MatcherOf(text + RuleText("bash", "proc.name in (zsh, bash)"));
  EXPECT_THAT(Fired(*matcher, open_), ElementsAre("bash"));
  EXPECT_EQ(matcher->evaluations(), 1u);
}

TEST_F(MatcherTest, ComparesNumbersAndAddressesByHash) {
  auto matcher = MatcherOf(RuleText("port", "fd.sport in (22, https)") +
                           RuleText("ip", "fd.sip in (\"1.2.3.4\", \"192.168.1.9\")") +
                           RuleText("either", "fd.port = 40000") +
                           RuleText("negative", "evt.rawres in (-1, 0)") +
                           RuleText("no", "fd.sport = 22 or fd.sip = \"::1\""));
  EXPECT_THAT(Fired(*matcher, connect_), ElementsAre("port", "ip", "either", "negative"));
}

TEST_F(MatcherTest, MeasuresRules) {
  auto matcher = MatcherOf(RuleText("shell", "proc.name = bash and fd.name startswith /etc") +
                           RuleText("other", "proc.name = zsh"));
  EXPECT_THAT(matcher->rule_costs(), IsEmpty());
  matcher->MeasureRules();
  Fired(*matcher, open_);
  Fired(*matcher, connect_);
  ASSERT_EQ(matcher->rule_costs().size(), 2u);
  EXPECT_EQ(matcher->rule_costs()[0].evaluated, 2u);
  EXPECT_EQ(matcher->rule_costs()[0].matched, 1u);
  EXPECT_EQ(matcher->rule_costs()[1].evaluated, 0u);  // no zsh: never looked at
}

TEST(MatcherCompileTest, NeedsRules) { EXPECT_FALSE(Matcher::Compile(nullptr).ok()); }

}  // namespace
}  // namespace vakt
