// SPDX-License-Identifier: Apache-2.0
#include "collector/fleet/condition_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/time/wall_time.h"

namespace vakt {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

const absl::Time kStart = absl::UnixEpoch() + absl::Hours(5);
constexpr int64_t kWallNs = 1'700'000'000'000'000'000;

NodeState WellNode() {
  NodeState node;
  node.heard = kStart;
  node.attached_probes = 5;
  node.rules = 90;
  node.lost_total = 7;
  node.clock_ahead = absl::Seconds(1);
  node.certificate = CertificateLife{kWallNs, kWallNs + 100 * kNsPerSecond};
  return node;
}

Moment After(absl::Duration time) {
  return {kStart + time, kWallNs + absl::ToInt64Nanoseconds(time)};
}

std::string Check(ConditionId id, const NodeState& node, absl::Duration time, bool open = false) {
  return CheckCondition(id, node, After(time), open);
}

TEST(ConditionCheck, NothingHoldsForANodeThatIsWell) {
  for (const ConditionTableRow& row : AllConditions()) {
    EXPECT_EQ(Check(row.id, WellNode(), absl::Seconds(20)), "") << row.name;
    EXPECT_EQ(Check(row.id, WellNode(), absl::Seconds(20), true), "") << row.name;
  }
}

TEST(ConditionCheck, SilentOnceTwoHeartbeatsAreMissing) {
  NodeState node = WellNode();
  EXPECT_EQ(Check(ConditionId::kSilent, node, absl::Seconds(25)), "");
  EXPECT_THAT(Check(ConditionId::kSilent, node, absl::Milliseconds(25'500)),
              StartsWith("nothing heard for 25s, heartbeats are due every 10s"));
  node.heartbeat = absl::Seconds(60);
  EXPECT_EQ(Check(ConditionId::kSilent, node, absl::Seconds(149)), "");
}

TEST(ConditionCheck, BlindWithoutProbesOrRules) {
  NodeState node = WellNode();
  node.rules = 0;
  EXPECT_EQ(Check(ConditionId::kBlind, node, absl::ZeroDuration()), "no rule is loaded");
  node.attached_probes = 0;
  EXPECT_EQ(Check(ConditionId::kBlind, node, absl::ZeroDuration()), "");  // not told
  node.failed_probes = 1;
  EXPECT_EQ(Check(ConditionId::kBlind, node, absl::ZeroDuration()), "no probe is attached");
}

TEST(ConditionCheck, LosingUntilThirtyHeartbeatsAreQuiet) {
  NodeState node = WellNode();
  node.last_loss = kStart;
  node.lost_lately = 12;
  EXPECT_THAT(Check(ConditionId::kLosing, node, absl::Seconds(299)), HasSubstr("12 events"));
  EXPECT_EQ(Check(ConditionId::kLosing, node, absl::Seconds(301)), "");
}

TEST(ConditionCheck, DegradedNamesTheProbes) {
  NodeState node = WellNode();
  node.failed_probes = 2;
  node.failed_names = "a, b";
  EXPECT_EQ(Check(ConditionId::kDegraded, node, absl::ZeroDuration()), "2 probes failed: a, b");
}

TEST(ConditionCheck, RulesMayDifferForTheTimeOfARollout) {
  NodeState node = WellNode();
  node.rule_set_hash = "0123456789abcdef";
  node.rules_differ_since = kStart;
  EXPECT_EQ(Check(ConditionId::kOldRules, node, absl::Minutes(9)), "");
  EXPECT_THAT(Check(ConditionId::kOldRules, node, absl::Minutes(10)), HasSubstr("0123456789ab "));
}

TEST(ConditionCheck, AClockMustComeWellBackToBeRight) {
  NodeState node = WellNode();
  node.clock_ahead = absl::Seconds(-4);
  EXPECT_EQ(Check(ConditionId::kClock, node, absl::ZeroDuration()), "");
  EXPECT_THAT(Check(ConditionId::kClock, node, absl::ZeroDuration(), true), HasSubstr("4s behind"));
  node.clock_ahead = absl::Hours(87600);
  EXPECT_THAT(Check(ConditionId::kClock, node, absl::ZeroDuration()), HasSubstr("ahead"));
}

TEST(ConditionCheck, ACertificateEndsInTheLastFifthOfItsLife) {
  NodeState node = WellNode();
  EXPECT_EQ(Check(ConditionId::kCertificate, node, absl::Seconds(79)), "");
  EXPECT_THAT(Check(ConditionId::kCertificate, node, absl::Seconds(81)), HasSubstr("ends 2023-11"));
  EXPECT_THAT(Check(ConditionId::kCertificate, node, absl::Seconds(101)), HasSubstr("ended 2023"));
}

TEST(ConditionTable, IsWhole) {
  for (size_t i = 0; i < AllConditions().size(); ++i) {
    const ConditionTableRow& row = AllConditions()[i];
    EXPECT_EQ(static_cast<size_t>(row.id), i);  // the rows are in the order of their ids
    EXPECT_EQ(FindCondition(row.name), &row);
    EXPECT_FALSE(row.begins.empty() || row.ends.empty() || row.text.empty()) << row.name;
  }
  EXPECT_EQ(FindCondition("none"), nullptr);
}

TEST(ConditionAlert, OpenedAndResolvedBelongTogether) {
  const ConditionTableRow& row = AllConditions()[0];
  const ConditionRow condition = {{"c1", "n\n1"}, std::string(row.name), kWallNs, "nothing heard"};
  const v1::Alert opened = MakeConditionAlert(row, condition, v1::Condition::STATE_OPENED, kWallNs);
  const v1::Alert resolved = MakeConditionAlert(row, condition, v1::Condition::STATE_RESOLVED,
                                                kWallNs + 90 * kNsPerSecond);
  EXPECT_EQ(opened.rule(), resolved.rule());
  EXPECT_EQ(opened.priority(), resolved.priority());
  EXPECT_EQ(opened.condition().opened().seconds(), resolved.condition().opened().seconds());
  EXPECT_THAT(opened.output(), HasSubstr("node=n\\x0a1 cluster=c1 node_silent opened: nothing"));
  EXPECT_THAT(resolved.output(), StartsWith("Over after 1m30s (node="));
}

}  // namespace
}  // namespace vakt
