// SPDX-License-Identifier: Apache-2.0
#include "collector/door/callers.h"

#include <gtest/gtest.h>

#include <string>

#include "common/base/strings.h"

namespace vakt {
namespace {

constexpr absl::Time kStart = absl::FromUnixSeconds(1000);
const CallerName kAgent = {.identity = "spiffe://t/cluster/c/node/n/agent", .is_agent = true};
const CallerName kUser = {.identity = "spiffe://t/user/u/role/viewer"};

int CallsUntilRefused(Callers* callers, const CallerName& who, absl::Time now) {
  int calls = 0;
  while (calls < 100'000 && callers->MayCall(who, now)) ++calls;
  return calls;
}

TEST(CallersTest, WhoCallsTooOftenIsOutUntilItIsPaid) {
  Callers callers({.agent_calls_per_second = 10, .user_calls_per_second = 500});
  EXPECT_EQ(CallsUntilRefused(&callers, kAgent, kStart), 101);  // ten seconds' worth, and one
  EXPECT_FALSE(callers.MayCall(kAgent, kStart + absl::Milliseconds(50)));
  EXPECT_TRUE(callers.MayCall(kAgent, kStart + absl::Milliseconds(200)));
  // A user may more, and one does not pay for the other.
  EXPECT_EQ(CallsUntilRefused(&callers, kUser, kStart), 1001);
  EXPECT_EQ(CallsUntilRefused(&callers, {.identity = "other", .is_agent = true}, kStart), 101);
}

TEST(CallersTest, WithoutALimitNobodyIsRefused) {
  Callers callers({.agent_calls_per_second = 0});
  EXPECT_EQ(CallsUntilRefused(&callers, kAgent, kStart), 100'000);
}

TEST(CallersTest, ACallThatIsRefusedCostsAsManyAsTen) {
  Callers callers(DoorLimits{});
  int calls = 0;
  while (calls < 1000 && callers.MayCall(kAgent, kStart)) {
    callers.Refused(kAgent.identity, kStart);
    ++calls;
  }
  EXPECT_EQ(calls, 10);
  EXPECT_FALSE(callers.MayCall(kAgent, kStart + absl::Milliseconds(500)));
  EXPECT_TRUE(callers.MayCall(kAgent, kStart + absl::Seconds(2)));
}

TEST(CallersTest, WhoMisusesAConnectionIsOutForAWhile) {
  Callers callers(DoorLimits{});
  for (const CallerName& who : {kAgent, kUser}) {
    EXPECT_TRUE(callers.MayCall(who, kStart));
    callers.Misused(who.identity, kStart);
    EXPECT_FALSE(callers.MayCall(who, kStart + absl::Seconds(29)));
    EXPECT_TRUE(callers.MayCall(who, kStart + absl::Seconds(31)));
  }
}

TEST(CallersTest, TooManyConnectionsOfAnIdentityAreRefused) {
  Callers callers({.connections_of_identity = 3});
  bool trusted = false;
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(callers.Connected(kUser, kStart, &trusted));
  EXPECT_FALSE(callers.Connected(kUser, kStart, &trusted));
  callers.Disconnected(kUser.identity);  // the refused one
  EXPECT_FALSE(callers.Connected(kUser, kStart, &trusted));
  callers.Disconnected(kUser.identity);
  callers.Disconnected(kUser.identity);
  EXPECT_TRUE(callers.Connected(kUser, kStart, &trusted));
}

TEST(CallersTest, WhoConnectsTooOftenIsNotTrusted) {
  Callers callers(DoorLimits{});
  int trusted_times = 0;
  for (int i = 0; i < 50; ++i) {
    bool trusted = false;
    callers.Connected(kAgent, kStart, &trusted);
    callers.Disconnected(kAgent.identity);
    trusted_times += trusted ? 1 : 0;
  }
  EXPECT_EQ(trusted_times, 10);
  bool trusted = false;
  callers.Connected(kAgent, kStart + absl::Minutes(1), &trusted);
  EXPECT_TRUE(trusted);
  callers.Connected({.identity = "10.0.0.1", .is_anonymous = true}, kStart, &trusted);
  EXPECT_FALSE(trusted);  // whoever that is
}

TEST(CallersTest, ThoseWhoAreGoneAreForgotten) {
  Callers callers(DoorLimits{});
  for (int i = 0; i < 20'000; ++i) {
    const CallerName who = {.identity = StrCat("n", i), .is_agent = true};
    const absl::Time now = kStart + i * absl::Milliseconds(100);
    bool trusted = false;
    callers.Connected(who, now, &trusted);
    callers.MayCall(who, now);
    callers.Disconnected(who.identity);
  }
  EXPECT_LE(callers.size(), 1024u);
}

}  // namespace
}  // namespace vakt
