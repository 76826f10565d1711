// SPDX-License-Identifier: Apache-2.0
// The matcher and the reference evaluator agree on random rules and random events.
#include <gtest/gtest.h>

#include "agent/match/matcher.h"
#include "common/rulelang/eval.h"
#include "common/rulelang/load.h"
#include "tests/support/sample_events.h"
#include "tests/unit/agent/match/random_rules.h"

namespace vakt {
namespace {

constexpr int kPriorityFloor = 5;  // leaves out the rules of priority INFO

std::vector<const Rule*> Reference(const RuleSet& rules, const Event& event, MatchMode mode,
                                   int priority_floor) {
  std::vector<const Rule*> matched;
  Extractor scratch;
  for (const Rule& rule : rules.rules) {
    if (rule.priority > priority_floor || !Evaluate(*rule.condition, event, scratch)) continue;
    matched.push_back(&rule);
    if (mode == MatchMode::kFirst) break;
  }
  return matched;
}

std::string Names(const std::vector<const Rule*>& rules) {
  std::string names;
  for (const Rule* rule : rules) names += rule->name + "\n  " + rule->condition_text + "\n";
  return names;
}

std::shared_ptr<const RuleSet> Load(const std::string& text) {
  const LoadResult result = LoadRules({{{"random.yaml", text}}});
  for (const LoadMessage& error : result.files[0].errors) {
    ADD_FAILURE() << error.line << ": " << error.message << "\n" << text;
    break;
  }
  return result.rules;
}

class MatcherProperty : public testing::TestWithParam<int> {};

TEST_P(MatcherProperty, AgreesWithTheReference) {
  const auto seed = static_cast<uint64_t>(GetParam());
  const std::shared_ptr<const RuleSet> rules = Load(RandomRules(seed).File(60));
  ASSERT_NE(rules, nullptr);
  auto all = Matcher::Compile(rules, MatchMode::kAll);
  auto first = Matcher::Compile(rules, MatchMode::kFirst, kPriorityFloor);
  ASSERT_TRUE(all.ok() && first.ok());
  SampleEvents events(seed);
  std::vector<const Rule*> matched;
  for (int i = 0; i < 1000; ++i) {
    const Event event = events.Next();
    const std::vector<const Rule*> expected = Reference(*rules, event, MatchMode::kAll, 7);
    for (const Rule* rule : expected) {
      ASSERT_TRUE(rule->event_types.Contains(event.type)) << rule->condition_text;
    }
    (*all)->Match(event, &matched);
    ASSERT_EQ(Names(matched), Names(expected)) << "event " << i;
    (*first)->Match(event, &matched);
    ASSERT_EQ(Names(matched), Names(Reference(*rules, event, MatchMode::kFirst, kPriorityFloor)))
        << "event " << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, MatcherProperty, testing::Range(1, 41));

}  // namespace
}  // namespace vakt
