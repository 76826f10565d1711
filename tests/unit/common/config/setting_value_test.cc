// SPDX-License-Identifier: Apache-2.0
#include "common/config/setting_value.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "common/base/status.h"

namespace vakt {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(ParseBytes, TakesPowersOf1024) {
  EXPECT_EQ(*ParseBytes("0"), 0u);
  EXPECT_EQ(*ParseBytes("4096"), 4096u);
  EXPECT_EQ(*ParseBytes("64k"), 65536u);
  EXPECT_EQ(*ParseBytes("64KiB"), 65536u);
  EXPECT_EQ(*ParseBytes("16MiB"), 16u << 20);
  EXPECT_EQ(*ParseBytes("2G"), uint64_t{2} << 30);
  EXPECT_EQ(*ParseBytes("16777215TiB"), uint64_t{16777215} << 40);
}

TEST(ParseBytes, RefusesOtherUnitsSignsAndOverflow) {
  for (const char* text : {"", "MiB", "-1", "+1", " 1", "1 k", "1.5M", "16MB", "16777216TiB",
                           "18446744073709551616", "1kk"}) {
    EXPECT_FALSE(ParseBytes(text).ok()) << text;
  }
}

TEST(ParseUint, TakesTheWholeRangeOnly) {
  EXPECT_EQ(*ParseUint("18446744073709551615"), std::numeric_limits<uint64_t>::max());
  for (const char* text : {"", "-1", "+1", "0x10", "18446744073709551616", "1e3"}) {
    EXPECT_FALSE(ParseUint(text).ok()) << text;
  }
}

TEST(ParseDuration, TakesUnitsFromNanosecondsToDays) {
  EXPECT_EQ(*ParseDuration("10ms"), absl::Milliseconds(10));
  EXPECT_EQ(*ParseDuration("1h30m"), absl::Minutes(90));
  EXPECT_EQ(*ParseDuration("90d"), absl::Hours(90 * 24));
  EXPECT_EQ(*ParseDuration("0"), absl::ZeroDuration());
}

TEST(ParseDuration, RefusesWhatIsNoSpan) {
  for (const char* text : {"", "10", "-5s", "inf", "d", "-1d", "100001d", "1d2h", "5 s"}) {
    EXPECT_FALSE(ParseDuration(text).ok()) << text;
  }
}

TEST(ParseBool, TakesTheUsualWords) {
  EXPECT_TRUE(*ParseBool("true"));
  EXPECT_TRUE(*ParseBool("1"));
  EXPECT_FALSE(*ParseBool("off"));
  EXPECT_FALSE(ParseBool("").ok());
  EXPECT_FALSE(ParseBool("TRUE!").ok());
}

TEST(SplitList, LeavesOutEmptyItems) {
  EXPECT_THAT(SplitList("/a,/b c"), ElementsAre("/a", "/b c"));
  EXPECT_THAT(SplitList(",,"), IsEmpty());
}

TEST(CheckSettingValue, NamesTheChoices) {
  const SettingRow* row = FindSetting(Program::kAgent, "rules.matching");
  ASSERT_NE(row, nullptr);
  EXPECT_TRUE(CheckSettingValue(*row, "all").ok());
  EXPECT_THAT(Message(CheckSettingValue(*row, "some")), HasSubstr("one of first|all"));
  EXPECT_FALSE(CheckSettingValue(*row, "first|all").ok());
  EXPECT_FALSE(CheckSettingValue(*row, "").ok());
}

TEST(CheckSettingValue, HoldsTheLeastValue) {
  const SettingRow* row = FindSetting(Program::kAgent, "sensor.ring_bytes");
  ASSERT_NE(row, nullptr);
  EXPECT_TRUE(CheckSettingValue(*row, "64KiB").ok());
  EXPECT_THAT(Message(CheckSettingValue(*row, "65535")), HasSubstr("at least 64KiB"));
}

TEST(CheckSettingValue, EscapesWhatItQuotes) {
  const SettingRow* row = FindSetting(Program::kAgent, "log.level");
  ASSERT_NE(row, nullptr);
  EXPECT_THAT(Message(CheckSettingValue(*row, "\x1b[2J")), HasSubstr("\\x1b[2J"));
}

}  // namespace
}  // namespace vakt
