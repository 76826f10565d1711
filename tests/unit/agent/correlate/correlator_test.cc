// SPDX-License-Identifier: Apache-2.0
#include "agent/correlate/correlator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/correlate/event_key.h"
#include "common/base/strings.h"
#include "common/rulelang/eval.h"
#include "tests/unit/common/rulelang/rule_text.h"

namespace vakt {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr uint64_t kSecond = 1'000'000'000;

std::string RuleText(std::string_view name, std::string_view condition, std::string_view keys) {
  return StrCat("- rule: ", name,
                "\n  desc: d\n  output: o\n  priority: INFO\n  condition: ", condition, "\n", keys);
}

class CorrelatorTest : public testing::Test {
 protected:
  // Keeps the state of unchanged rules.
  void Load(const std::string& text) {
    const LoadResult result = LoadTexts({text});
    ASSERT_THAT(ErrorsOf(result), IsEmpty());
    correlator_.SetRules(*result.rules, &summaries_);
    rules_ = result.rules;
  }

  // The rules that alert on an opening of `path` at that second.
  std::vector<std::string> Open(uint64_t second, std::string_view path = "/a") {
    Event event = OpenEvent(processes_);
    event.boot_ns = second * kSecond;
    event.file_open.file.path = path;
    correlator_.TakeSummaries(event.boot_ns, &summaries_);
    std::vector<const Rule*> matched;
    for (const Rule& rule : rules_->rules) {
      if (Evaluate(*rule.condition, event, scratch_)) matched.push_back(&rule);
    }
    correlator_.Apply(event, matched, &firings_);
    std::vector<std::string> names;
    for (const Correlator::Firing& firing : firings_) names.push_back(firing.rule->name);
    return names;
  }

  // "rule: count from begin to end [key]", and forgets them.
  std::vector<std::string> Summaries() {
    std::vector<std::string> texts;
    for (const Correlator::Summary& s : summaries_) {
      std::string text = StrCat(s.rule->name, ": ", s.count, " from ", s.begin_boot_ns / kSecond,
                                " to ", s.end_boot_ns / kSecond);
      for (const auto& value : ValuesOfKey(s.key)) text += StrCat(" ", value.value_or("<NA>"));
      texts.push_back(std::move(text));
    }
    summaries_.clear();
    return texts;
  }

  SampleProcesses processes_;
  std::shared_ptr<const RuleSet> rules_;
  Correlator correlator_;
  std::vector<Correlator::Firing> firings_;
  std::vector<Correlator::Summary> summaries_;
  Extractor scratch_;
};

constexpr std::string_view kThrottle = "  throttle: {alerts: 2, per: 10s, by: [fd.name]}\n";

TEST_F(CorrelatorTest, RulesWithoutTheKeysAlertEachTime) {
  Load(RuleText("r", "fd.name exists", "") + RuleText("s", "fd.name = /a", ""));
  EXPECT_THAT(Open(1), ElementsAre("r", "s"));
  EXPECT_THAT(Open(1), ElementsAre("r", "s"));
  EXPECT_THAT(Open(1, "/b"), ElementsAre("r"));
}

TEST_F(CorrelatorTest, ThrottleHoldsBackByKeyAndTellsIt) {
  Load(RuleText("r", "fd.name exists", kThrottle));
  EXPECT_THAT(Open(100), SizeIs(1));
  EXPECT_THAT(Open(100), SizeIs(1));
  EXPECT_THAT(Open(101), IsEmpty());
  EXPECT_THAT(Open(102), IsEmpty());
  EXPECT_THAT(Open(102, "/b"), SizeIs(1));  // another key
  EXPECT_THAT(Open(105), SizeIs(1));        // one of two comes back after half the time
  EXPECT_THAT(Open(106), IsEmpty());
  EXPECT_THAT(Summaries(), IsEmpty());
  EXPECT_FALSE(correlator_.HasSummaries(110 * kSecond));
  EXPECT_TRUE(correlator_.HasSummaries(111 * kSecond));
  correlator_.TakeSummaries(115 * kSecond, &summaries_);
  EXPECT_THAT(Summaries(), ElementsAre("r: 3 from 101 to 111 /a"));
  EXPECT_EQ(correlator_.counters().suppressed, 3u);
  EXPECT_FALSE(correlator_.HasSummaries(UINT64_MAX - 1));
}

TEST_F(CorrelatorTest, SummariesComeInTheOrderOfTime) {
  Load(RuleText("r", "fd.name exists", "  throttle: {per: 10s, by: fd.name}\n"));
  for (const std::string_view path : {"/b", "/a"}) Open(100, path);
  Open(101, "/b");
  Open(102, "/a");
  Open(200, "/c");
  EXPECT_THAT(Summaries(), ElementsAre("r: 1 from 101 to 111 /b", "r: 1 from 102 to 112 /a"));
}

TEST_F(CorrelatorTest, TheEndTellsWhatIsOpen) {
  Load(RuleText("r", "fd.name exists", kThrottle));
  for (int i = 0; i < 5; ++i) Open(100 + i);
  correlator_.TakeAllSummaries(&summaries_);
  EXPECT_THAT(Summaries(), ElementsAre("r: 3 from 102 to 104 /a"));
  correlator_.TakeAllSummaries(&summaries_);
  EXPECT_THAT(Summaries(), IsEmpty());
}

TEST_F(CorrelatorTest, AFullTableTellsWhatItGivesUp) {
  Load(RuleText("r", "fd.name exists", "  throttle: {per: 24h, by: [fd.name]}\n"));
  Open(1, "/first");
  Open(2, "/first");
  const int keys = static_cast<int>(Correlator::kMaxStateBytes / 256);
  for (int i = 0; i < keys; ++i) Open(3, StrCat("/", i));
  EXPECT_GT(correlator_.counters().evicted, 0u);
  correlator_.TakeSummaries(3 * kSecond, &summaries_);
  EXPECT_THAT(Summaries(), ElementsAre("r: 1 from 2 to 3 /first"));
}

TEST_F(CorrelatorTest, CountAlertsOnceWithinTheTime) {
  Load(RuleText("r", "fd.name exists", "  correlate: {count: 3, within: 10s, by: [fd.name]}\n"));
  EXPECT_THAT(Open(100), IsEmpty());
  EXPECT_THAT(Open(104), IsEmpty());
  EXPECT_THAT(Open(105, "/b"), IsEmpty());
  EXPECT_THAT(Open(111), IsEmpty());  // the first is too old
  EXPECT_THAT(Open(114), SizeIs(1));  // 104, 111, 114
  EXPECT_EQ(firings_[0].count, 3u);
  EXPECT_EQ(firings_[0].begin_boot_ns, 104 * kSecond);
  EXPECT_THAT(ValuesOfKey(firings_[0].key), ElementsAre(std::optional<std::string>("/a")));
  EXPECT_THAT(Open(115), IsEmpty());  // it counts anew
  EXPECT_THAT(Open(116), IsEmpty());
  EXPECT_THAT(Open(117), SizeIs(1));
}

constexpr std::string_view kSequence = R"(  correlate:
    within: 10s
    by: [proc.name]
    then: [fd.name = /b, fd.name = /c]
)";

TEST_F(CorrelatorTest, ThenTakesTheStepsInOrder) {
  Load(RuleText("r", "fd.name = /a", kSequence) + RuleText("s", "fd.name = /c", ""));
  EXPECT_THAT(Open(100, "/b"), IsEmpty());
  EXPECT_THAT(Open(101, "/a"), IsEmpty());
  EXPECT_THAT(Open(102, "/c"), ElementsAre("s"));
  EXPECT_THAT(Open(103, "/b"), IsEmpty());
  EXPECT_THAT(Open(104, "/c"), ElementsAre("r", "s"));
  EXPECT_EQ(firings_[0].begin_boot_ns, 101 * kSecond);
  EXPECT_THAT(Open(105, "/c"), ElementsAre("s"));  // it began anew
}

TEST_F(CorrelatorTest, ThenForgetsWhatIsTooOldAndKeepsTheNewest) {
  Load(RuleText("r", "fd.name = /a", kSequence));
  Open(100, "/a");
  Open(101, "/b");
  EXPECT_THAT(Open(111, "/c"), IsEmpty());
  Open(120, "/a");
  Open(121, "/b");
  Open(125, "/a");
  Open(126, "/b");
  EXPECT_THAT(Open(135, "/c"), SizeIs(1));
  EXPECT_EQ(firings_[0].begin_boot_ns, 125 * kSecond);
}

TEST_F(CorrelatorTest, OneEventIsOneStep) {
  Load(RuleText("r", "fd.name exists",
                "  correlate: {within: 10s, then: [fd.name exists, fd.name exists]}\n"));
  EXPECT_THAT(Open(100), IsEmpty());
  EXPECT_THAT(Open(101), IsEmpty());
  EXPECT_THAT(Open(102), SizeIs(1));
}

TEST_F(CorrelatorTest, CountThenSteps) {
  Load(RuleText("r", "fd.name = /a",
                "  correlate: {count: 2, within: 10s, then: fd.name = /b}\n"
                "  throttle: {per: 1h}\n"));
  Open(100, "/a");
  EXPECT_THAT(Open(101, "/b"), IsEmpty());
  Open(102, "/a");
  EXPECT_THAT(Open(103, "/b"), SizeIs(1));
  for (const std::string_view path : {"/a", "/a", "/b"}) EXPECT_THAT(Open(104, path), IsEmpty());
  correlator_.TakeAllSummaries(&summaries_);
  EXPECT_THAT(Summaries(), ElementsAre("r: 1 from 104 to 104"));
}

TEST_F(CorrelatorTest, UnchangedRulesKeepTheirState) {
  const std::string counted =
      RuleText("c", "fd.name = /a", "  correlate: {count: 2, within: 10s}\n");
  Load(counted + RuleText("t", "fd.name = /a", "  throttle: {per: 1h}\n"));
  EXPECT_THAT(Open(100), ElementsAre("t"));
  Load(RuleText("new", "fd.name = /x", "") + counted +
       RuleText("t", "fd.name = /a", "  throttle: {per: 1h}\n"));
  EXPECT_THAT(Summaries(), IsEmpty());
  EXPECT_THAT(Open(101), ElementsAre("c"));  // the second for both
  Load(counted + RuleText("t", "fd.name = /a", "  throttle: {per: 2h}\n"));
  EXPECT_THAT(Summaries(), ElementsAre("t: 1 from 101 to 101"));
  EXPECT_THAT(Open(102), ElementsAre("t"));  // changed: from the beginning
  Load(RuleText("c", "fd.name = /b", "  correlate: {count: 2, within: 10s}\n"));
  EXPECT_THAT(Open(103, "/b"), IsEmpty());
}

TEST(EventKeyTest, ValuesComeBack) {
  const SampleProcesses processes;
  Event event = OpenEvent(processes);
  const std::string path(1000, 'x');
  event.file_open.file.path = path;
  const LoadResult result = LoadTexts({RuleText(
      "r", "fd.name exists", "  throttle: {per: 1s, by: [proc.name, fd.sip, fd.name, fd.num]}\n")});
  ASSERT_THAT(ErrorsOf(result), IsEmpty());
  Extractor scratch;
  std::string key;
  MakeEventKey(result.rules->rules[0].throttle->by, event, scratch, &key);
  const auto values = ValuesOfKey(key);
  ASSERT_THAT(values, SizeIs(4));
  EXPECT_EQ(values[0], "bash");
  EXPECT_EQ(values[1], std::nullopt);
  EXPECT_EQ(values[2]->size(), kMaxKeyValueBytes);
  EXPECT_EQ(values[3], "3");
  std::string other_key;
  const std::string other(1001, 'x');
  event.file_open.file.path = other;
  MakeEventKey(result.rules->rules[0].throttle->by, event, scratch, &other_key);
  EXPECT_NE(key, other_key);
}

}  // namespace
}  // namespace vakt
