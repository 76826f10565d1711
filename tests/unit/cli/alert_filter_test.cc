// SPDX-License-Identifier: Apache-2.0
#include "cli/alert_filter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "cli/verbs.h"

namespace vakt {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

v1::Filter FilterOf(const std::vector<std::string>& words) {
  const absl::StatusOr<Arguments> arguments =
      ParseArguments(words, FlagsOf(*FindVerb("alerts", "query")));
  EXPECT_TRUE(arguments.ok()) << arguments.status();
  return FilterFromFlags(*arguments, absl::FromUnixSeconds(1000));
}

TEST(AlertFilterTest, RestrictsNothingWithoutFlags) {
  const v1::Filter filter = FilterOf({});
  EXPECT_FALSE(filter.has_since());
  EXPECT_FALSE(filter.has_until());
  EXPECT_FALSE(filter.has_min_priority());
  EXPECT_THAT(filter.rules(), IsEmpty());
  EXPECT_THAT(filter.nodes(), IsEmpty());
  EXPECT_EQ(filter.text(), "");
  EXPECT_FALSE(filter.include_gaps());
}

TEST(AlertFilterTest, TakesEachFlag) {
  const v1::Filter filter =
      FilterOf({"--priority", "warning", "--rule", "a", "--rule", "b", "--node=n", "--text", "sh",
                "--gaps", "--since", "10s", "--until", "1970-01-01T00:16:40.5Z"});
  EXPECT_EQ(filter.min_priority(), v1::PRIORITY_WARNING);
  EXPECT_THAT(filter.rules(), ElementsAre("a", "b"));
  EXPECT_THAT(filter.nodes(), ElementsAre("n"));
  EXPECT_EQ(filter.text(), "sh");
  EXPECT_TRUE(filter.include_gaps());
  EXPECT_EQ(filter.since().seconds(), 990);
  EXPECT_EQ(filter.until().seconds(), 1000);
  EXPECT_EQ(filter.until().nanos(), 500'000'000);
}

TEST(AlertFilterTest, KeepsEmergencyApartFromUnset) {
  const v1::Filter filter = FilterOf({"--priority", "emergency"});
  EXPECT_TRUE(filter.has_min_priority());
  EXPECT_EQ(filter.min_priority(), v1::PRIORITY_EMERGENCY);
}

}  // namespace
}  // namespace vakt
