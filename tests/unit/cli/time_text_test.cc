// SPDX-License-Identifier: Apache-2.0
#include "cli/time_text.h"

#include <gtest/gtest.h>

namespace vakt {
namespace {

TEST(TimeTextTest, ReadsSpans) {
  EXPECT_EQ(*ParseSpan("90s"), absl::Seconds(90));
  EXPECT_EQ(*ParseSpan("1h30m"), absl::Minutes(90));
  EXPECT_EQ(*ParseSpan("7d"), absl::Hours(168));
  EXPECT_EQ(*ParseSpan("1d12h"), absl::Hours(36));
  EXPECT_EQ(*ParseSpan("250ms"), absl::Milliseconds(250));
  EXPECT_EQ(*ParseSpan("0"), absl::ZeroDuration());
}

TEST(TimeTextTest, RefusesWhatIsNoSpan) {
  for (const char* text : {"", "x", "15", "-5m", "inf", "d", "7d x", "99999999999999999999d",
                           "9223372036854775807d", "1d-2d", "5m\n"}) {
    EXPECT_FALSE(ParseSpan(text).ok()) << text;
  }
}

TEST(TimeTextTest, ReadsMoments) {
  const absl::Time now = absl::FromUnixSeconds(1'800'000'000);
  EXPECT_EQ(*ParseMoment("now", now), now);
  EXPECT_EQ(*ParseMoment("15m", now), now - absl::Minutes(15));
  EXPECT_EQ(*ParseMoment("2026-01-31T08:00:00Z", now), absl::FromUnixSeconds(1'769'846'400));
  EXPECT_EQ(*ParseMoment("2026-01-31T09:00:00.5+01:00", now),
            absl::FromUnixMillis(1'769'846'400'500));
  EXPECT_EQ(*ParseMoment("2026-01-31", now), absl::FromUnixSeconds(1'769'817'600));
}

TEST(TimeTextTest, RefusesWhatIsNoMoment) {
  for (const char* text :
       {"", "yesterday", "2026-13-01", "2026-01-31T25:00:00Z", "infinite-future", "-5m"}) {
    EXPECT_FALSE(ParseMoment(text, absl::Now()).ok()) << text;
  }
}

TEST(TimeTextTest, KeepsNanosecondsBothWays) {
  const absl::Time time = absl::FromUnixNanos(1'769'846'400'000'000'001);
  EXPECT_EQ(FromTimestamp(ToTimestamp(time)), time);
  EXPECT_EQ(ToTimestamp(time).nanos(), 1);
  EXPECT_EQ(TimestampText(ToTimestamp(time)), "2026-01-31T08:00:00.000000001Z");
}

TEST(TimeTextTest, RoundsForPeople) {
  EXPECT_EQ(RoughSpan(absl::ZeroDuration()), "0s");
  EXPECT_EQ(RoughSpan(absl::Milliseconds(1900)), "1s");
  EXPECT_EQ(RoughSpan(absl::Seconds(125)), "2m 5s");
  EXPECT_EQ(RoughSpan(absl::Hours(76)), "3d 4h");
}

}  // namespace
}  // namespace vakt
