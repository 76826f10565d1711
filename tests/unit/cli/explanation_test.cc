// SPDX-License-Identifier: Apache-2.0
#include "cli/explanation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/common/rulelang/rule_text.h"

namespace vakt {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class ExplanationTest : public testing::Test {
 protected:
  Explanation Of(std::string_view condition) {
    loaded_ = LoadTexts({RuleWith(condition)});
    EXPECT_THAT(ErrorsOf(loaded_), IsEmpty());
    return Explain(*loaded_.rules->rules[0].condition, open_);
  }

  SampleProcesses processes_;
  Event open_ = OpenEvent(processes_);
  LoadResult loaded_;
};

TEST_F(ExplanationTest, ACheckShowsWhatItSaw) {
  const Explanation check = Of("proc.name in (bash, zsh)");
  EXPECT_TRUE(check.is_check);
  EXPECT_TRUE(check.holds);
  EXPECT_TRUE(check.decides);
  EXPECT_EQ(check.text, "proc.name in (\"bash\", \"zsh\")");
  EXPECT_THAT(check.values, ElementsAre("bash"));
  EXPECT_THAT(Of("fd.sport = 22").values, IsEmpty());  // null
}

TEST_F(ExplanationTest, TheFirstFailureDecidesAnAnd) {
  const Explanation all = Of("proc.name = bash and proc.name = zsh and fd.name = /nowhere");
  EXPECT_FALSE(all.holds);
  ASSERT_EQ(all.parts.size(), 3u);
  EXPECT_FALSE(all.parts[0].decides);
  EXPECT_TRUE(all.parts[1].decides);
  EXPECT_FALSE(all.parts[2].decides);
}

TEST_F(ExplanationTest, AllPartsDecideAnAndThatHolds) {
  const Explanation all = Of("proc.name = bash and not proc.name = zsh");
  EXPECT_TRUE(all.holds);
  EXPECT_TRUE(all.parts[0].decides);
  EXPECT_TRUE(all.parts[1].decides);
  EXPECT_EQ(all.parts[1].text, "not");
  EXPECT_FALSE(all.parts[1].parts[0].holds);
  EXPECT_TRUE(all.parts[1].parts[0].decides);
}

TEST_F(ExplanationTest, OneIsEnoughForAnOr) {
  const Explanation any = Of("proc.name = zsh or proc.name = bash or proc.name exists");
  EXPECT_TRUE(any.holds);
  EXPECT_FALSE(any.parts[0].decides);
  EXPECT_TRUE(any.parts[1].decides);
  EXPECT_FALSE(any.parts[2].decides);
  const Explanation none = Of("proc.name = zsh or proc.name = ksh");
  EXPECT_FALSE(none.holds);
  EXPECT_TRUE(none.parts[0].decides);
  EXPECT_TRUE(none.parts[1].decides);
}

}  // namespace
}  // namespace vakt
