// SPDX-License-Identifier: Apache-2.0
// The matcher and the reference evaluator agree on random rules and random events.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <random>

#include "absl/time/clock.h"
#include "absl/time/time.h"
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

uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 0);
}

// One random rule set against random events: all rules, and only the first of the severe ones.
class Case {
 public:
  explicit Case(uint64_t seed) : rules_(Load(RandomRules(seed).File(60))) {
    if (rules_ == nullptr) return;
    auto all = Matcher::Compile(rules_, MatchMode::kAll);
    auto first = Matcher::Compile(rules_, MatchMode::kFirst, kPriorityFloor);
    if (!all.ok() || !first.ok()) return;
    all_ = *std::move(all);
    first_ = *std::move(first);
  }

  void Check(const Event& event) {
    ASSERT_TRUE(all_ != nullptr && first_ != nullptr);
    const std::vector<const Rule*> expected = Reference(*rules_, event, MatchMode::kAll, 7);
    for (const Rule* rule : expected) {
      ASSERT_TRUE(rule->event_types.Contains(event.type)) << rule->condition_text;
    }
    all_->Match(event, &matched_);
    ASSERT_EQ(Names(matched_), Names(expected));
    first_->Match(event, &matched_);
    ASSERT_EQ(Names(matched_), Names(Reference(*rules_, event, MatchMode::kFirst, kPriorityFloor)));
  }

 private:
  std::shared_ptr<const RuleSet> rules_;
  std::unique_ptr<Matcher> all_;
  std::unique_ptr<Matcher> first_;
  std::vector<const Rule*> matched_;
};

// The processes change now and then, and the rules once: what was remembered must not be used then.
void RunSeed(uint64_t seed) {
  SampleEvents events(seed);
  auto current = std::make_unique<Case>(seed);
  for (int i = 0; i < 1000; ++i) {
    if (i % 50 == 49) events.ChangeProcesses();
    if (i == 600) current = std::make_unique<Case>(seed ^ 0x9e3779b97f4a7c15);
    current->Check(events.Next());
    ASSERT_FALSE(testing::Test::HasFailure()) << "event " << i;
  }
}

TEST(MatcherProperty, AgreesWithTheReference) {
  const bool one_seed = std::getenv("VAKT_PROPERTY_SEED") != nullptr;
  const uint64_t first = FromEnvironment("VAKT_PROPERTY_SEED", std::random_device()());
  const absl::Time end = absl::Now() + absl::Seconds(FromEnvironment("VAKT_PROPERTY_SECONDS", 60));
  uint64_t seed = first;
  do {
    RunSeed(seed);
    ASSERT_FALSE(HasFailure()) << "to see it again: VAKT_PROPERTY_SEED=" << seed;
    ++seed;
  } while (!one_seed && absl::Now() < end);
  std::printf("%llu seeds from %llu on, 60 rules x 1000 events each\n",
              static_cast<unsigned long long>(seed - first),
              static_cast<unsigned long long>(first));
}

}  // namespace
}  // namespace vakt
