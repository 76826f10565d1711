// SPDX-License-Identifier: Apache-2.0
#include "common/alert/text.h"

#include "common/alert/priority.h"
#include "gtest/gtest.h"

namespace vakt {
namespace {

TEST(AlertText, IsOneSafeLine) {
  v1::Alert alert;
  alert.mutable_time()->set_seconds(1);
  alert.set_priority(v1::PRIORITY_CRITICAL);
  alert.set_rule("A\nB");
  alert.set_output("x\x1b[31m y");
  EXPECT_EQ(AlertText(alert), "1970-01-01T00:00:01.000000000Z Critical A\\x0aB: x\\x1b[31m y");
}

TEST(Priority, NamesGoBothWays) {
  for (int i = 0; i < 8; ++i) {
    const auto priority = static_cast<v1::Priority>(i);
    EXPECT_EQ(ParsePriority(PriorityName(priority)), priority);
  }
  EXPECT_EQ(ParsePriority("INFO"), v1::PRIORITY_INFORMATIONAL);
  EXPECT_EQ(ParsePriority("wArNiNg"), v1::PRIORITY_WARNING);
  EXPECT_EQ(ParsePriority("warn"), std::nullopt);
  EXPECT_EQ(ParsePriority(""), std::nullopt);
  EXPECT_EQ(PriorityName(static_cast<v1::Priority>(-1)), "Unknown");
}

}  // namespace
}  // namespace vakt
