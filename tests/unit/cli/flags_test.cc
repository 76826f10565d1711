// SPDX-License-Identifier: Apache-2.0
#include "cli/flags.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/status.h"

namespace vakt {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr FlagRow kRows[] = {
    {"--switch", FlagType::kSwitch, ""},     {"--text", FlagType::kText, ""},
    {"--texts", FlagType::kTexts, ""},       {"--path", FlagType::kPath, ""},
    {"--paths", FlagType::kPaths, ""},       {"--count", FlagType::kCount, ""},
    {"--span", FlagType::kDuration, ""},     {"--time", FlagType::kMoment, ""},
    {"--priority", FlagType::kPriority, ""}, {"--choice", FlagType::kChoice, "", "a|b|c"},
};

Arguments Parsed(const std::vector<std::string>& words) {
  const absl::StatusOr<Arguments> arguments = ParseArguments(words, kRows);
  EXPECT_TRUE(arguments.ok()) << arguments.status();
  return arguments.value_or(Arguments());
}

std::string Refused(const std::vector<std::string>& words) {
  const absl::StatusOr<Arguments> arguments = ParseArguments(words, kRows);
  EXPECT_TRUE(absl::IsInvalidArgument(arguments.status())) << arguments.status();
  return std::string(Message(arguments.status()));
}

TEST(FlagsTest, TakesValuesFromTheNextWordOrBehindEquals) {
  EXPECT_EQ(Parsed({"--text", "x"}).Text("--text"), "x");
  EXPECT_EQ(Parsed({"--text=x=y"}).Text("--text"), "x=y");
  EXPECT_EQ(Parsed({"--text", "--switch"}).Text("--text"), "--switch");
}

TEST(FlagsTest, LeavesOperandsInOrder) {
  const Arguments arguments = Parsed({"a", "--switch", "b", "-", "--", "--text", "c"});
  EXPECT_THAT(arguments.operands(), ElementsAre("a", "b", "-", "--text", "c"));
  EXPECT_TRUE(arguments.Has("--switch"));
  EXPECT_FALSE(arguments.Has("--text"));
}

TEST(FlagsTest, RepeatsAndLastOneCounts) {
  EXPECT_THAT(Parsed({"--texts", "a", "--texts=b"}).Texts("--texts"), ElementsAre("a", "b"));
  EXPECT_EQ(Parsed({"--text", "a", "--text", "b"}).Text("--text"), "b");
}

TEST(FlagsTest, PathsTakeWordsUpToTheNextFlag) {
  const Arguments arguments = Parsed({"file", "--paths", "a", "b", "--switch", "--paths=c", "d"});
  EXPECT_THAT(arguments.Texts("--paths"), ElementsAre("a", "b", "c", "d"));
  EXPECT_THAT(arguments.operands(), ElementsAre("file"));
}

TEST(FlagsTest, GivesTypedValues) {
  const absl::Time now = absl::FromUnixSeconds(1000);
  const Arguments arguments =
      Parsed({"--count", "7", "--span", "90s", "--time", "15m", "--choice", "c"});
  EXPECT_EQ(arguments.Count("--count"), 7u);
  EXPECT_EQ(arguments.Duration("--span", absl::ZeroDuration()), absl::Seconds(90));
  EXPECT_EQ(arguments.Moment("--time", now, now), now - absl::Minutes(15));
  EXPECT_EQ(arguments.Choice(*FindFlag(kRows, "--choice")), "c");
}

TEST(FlagsTest, FallsBackWhenNotGiven) {
  const Arguments arguments = Parsed({});
  EXPECT_THAT(arguments.operands(), IsEmpty());
  EXPECT_EQ(arguments.Text("--text", "x"), "x");
  EXPECT_EQ(arguments.Count("--count", 3), 3u);
  EXPECT_EQ(arguments.Duration("--span", absl::Seconds(1)), absl::Seconds(1));
  EXPECT_EQ(arguments.Moment("--time", absl::Now(), absl::UnixEpoch()), absl::UnixEpoch());
  EXPECT_EQ(arguments.Choice(*FindFlag(kRows, "--choice")), "a");
}

TEST(FlagsTest, RefusesInOneLineThatNamesTheFlag) {
  EXPECT_EQ(Refused({"--nothing"}), "unknown flag --nothing");
  EXPECT_EQ(Refused({"-x=1"}), "unknown flag -x");
  EXPECT_EQ(Refused({"--text"}), "--text needs a value: --text TEXT");
  EXPECT_EQ(Refused({"--text="}), "--text: its value is empty");
  EXPECT_EQ(Refused({"--switch=1"}), "--switch takes no value");
  EXPECT_EQ(Refused({"--count=0"}), "--count: \"0\" is no number from 1");
  EXPECT_EQ(Refused({"--count=-1"}), "--count: \"-1\" is no number from 1");
  EXPECT_EQ(Refused({"--count=99999999999999999999"}),
            "--count: \"99999999999999999999\" is no number from 1");
  EXPECT_EQ(Refused({"--choice=d"}), "--choice: \"d\" is none of a|b|c");
  EXPECT_THAT(Refused({"--priority=high"}), HasSubstr("emergency, alert, critical"));
  EXPECT_THAT(Refused({"--span=fast"}), HasSubstr("--span: \"fast\" is no duration"));
  EXPECT_THAT(Refused({"--time=later"}), HasSubstr("--time: \"later\" is no time"));
}

TEST(FlagsTest, EscapesWhatItQuotes) {
  EXPECT_EQ(Refused({"--\x1b[31m\n"}), "unknown flag --\\x1b[31m\\x0a");
  EXPECT_EQ(Refused({"--count=\xff"}), "--count: \"\\xff\" is no number from 1");
}

}  // namespace
}  // namespace vakt
