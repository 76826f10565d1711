// SPDX-License-Identifier: Apache-2.0
// What the prefilter leaves out matches no rule: on random rules and random events, with the masks
// of the event's process and without.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "agent/match/prefilter.h"
#include "common/base/strings.h"
#include "common/rulelang/eval.h"
#include "common/rulelang/load.h"
#include "tests/support/sample_events.h"
#include "tests/unit/agent/match/random_rules.h"

namespace vakt {
namespace {

constexpr ProcessMasks kAllMasks = [] {
  ProcessMasks masks;
  masks.fill(~uint64_t{0});
  return masks;
}();

std::shared_ptr<const RuleSet> Load(const std::string& text) {
  const LoadResult result = LoadRules({{{"random.yaml", text}}});
  for (const LoadMessage& error : result.files[0].errors) {
    ADD_FAILURE() << error.line << ": " << error.message << "\n" << text;
    break;
  }
  return result.rules;
}

// Conditions as rules about files have them: each look-up of the prefilter has its part.
std::string FileRules(RandomRules& random, int count) {
  constexpr std::string_view kHow[] = {
      "evt.is_open_read = true",   "evt.is_open_write = true", "fd.num >= 0",
      "evt.failed = true",         "fd.typechar = d",          "evt.type in (open, creat)",
      "evt.is_open_create = true", "evt.res startswith E",     "evt.rawres > 4",
      "fd.arg_mismatch != none",   "fd.arg_mismatch = link",   "fd.arg_mismatch = unreadable"};
  std::string file;
  for (int i = 0; i < count; ++i) {
    file += StrCat("- rule: f", i, "\n  desc: d\n  priority: ERROR\n  output: o\n  condition: >\n",
                   "    ", kHow[random.Number(std::size(kHow))], " and ", random.PathCheck(),
                   random.Number(2) == 0 ? " and not " : " or ", random.PathCheck(), " and ",
                   random.Condition(1), "\n");
  }
  return file;
}

class PrefilterProperty : public testing::TestWithParam<int> {
 protected:
  void Check(const std::shared_ptr<const RuleSet>& rules, uint64_t seed) {
    ASSERT_NE(rules, nullptr);
    Prefilter prefilter(rules);
    SampleEvents events(seed);
    Extractor scratch;
    ProcessMasks masks;
    for (int i = 0; i < 1000; ++i) {
      const Event event = events.Next();
      prefilter.MasksOf(event, &masks);
      const bool may_send = prefilter.MaySend(event, masks);
      left_out_ += may_send ? 0 : 1;
      ASSERT_TRUE(!may_send || prefilter.MaySend(event, kAllMasks));
      if (may_send) continue;
      for (const Rule& rule : rules->rules) {
        if ((rule.kinds & KindBit(event.kind)) == 0) continue;  // the engine does not ask it
        ASSERT_FALSE(Evaluate(*rule.condition, event, scratch))
            << "left out, though this matches:\n"
            << rule.condition_text << "\npath " << event.file_open.file.path << " asked for "
            << event.file_open.name_raw << " flags " << event.file_open.flags << " result "
            << event.result;
      }
    }
  }

  int left_out_ = 0;
};

TEST_P(PrefilterProperty, AnyRules) {
  const auto seed = static_cast<uint64_t>(GetParam());
  for (const int count : {1, 2, 5, 100}) Check(Load(RandomRules(seed).File(count)), seed);
}

TEST_P(PrefilterProperty, RulesAboutFiles) {
  const auto seed = static_cast<uint64_t>(GetParam());
  RandomRules random(seed);
  for (const int count : {1, 1, 1, 1, 1, 3, 200}) Check(Load(FileRules(random, count)), seed);
  EXPECT_GT(left_out_, 0);  // or the test would say nothing
}

INSTANTIATE_TEST_SUITE_P(Seeds, PrefilterProperty, testing::Range(1, 41));

}  // namespace
}  // namespace vakt
