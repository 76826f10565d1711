// SPDX-License-Identifier: Apache-2.0
#include "agent/sensor/loss_tracker.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace vakt {
namespace {

vakt_header Header(uint32_t cpu, uint8_t lane, uint64_t seq) {
  vakt_header header = {};
  header.cpu = cpu;
  header.lane = lane;
  header.seq = seq;
  return header;
}

TEST(SequenceTracker, NothingIsMissingFromAStreamWithoutHoles) {
  SequenceTracker tracker;
  for (uint64_t seq = 1; seq <= 100; ++seq) tracker.OnRecord(seq);
  EXPECT_EQ(tracker.missing(), 0u);
}

TEST(SequenceTracker, RecordsThatOvertakeEachOtherAreNotMissing) {
  SequenceTracker tracker;
  for (uint64_t seq : {2, 1, 4, 5, 3}) tracker.OnRecord(seq);
  EXPECT_EQ(tracker.missing(), 0u);
}

TEST(SequenceTracker, HolesAreCounted) {
  SequenceTracker tracker;
  for (uint64_t seq : {1, 4, 10}) tracker.OnRecord(seq);
  EXPECT_EQ(tracker.missing(), 7u);
  EXPECT_EQ(tracker.received(), 3u);
  EXPECT_EQ(tracker.highest(), 10u);
}

class LossTrackerTest : public ::testing::Test {
 protected:
  LossTrackerTest() : cpus_(2), tracker_(cpus_) {}

  void Lose(uint32_t cpu, Kind kind, size_t reason, uint64_t count) {
    cpus_[cpu].lost[static_cast<size_t>(kind)][reason] += count;
  }
  std::vector<Loss> Look(int64_t now) {
    std::vector<Loss> losses;
    tracker_.Look(now, &losses);
    return losses;
  }

  std::vector<vakt_cpu_state> cpus_;
  LossTracker tracker_;
};

TEST(SequenceTracker, WhoGoesOnMissesNothingOfBefore) {
  SequenceTracker tracker;
  tracker.Resume();
  for (uint64_t seq : {1000, 1001, 1004}) tracker.OnRecord(seq);
  EXPECT_EQ(tracker.missing(), 2u);
}

TEST_F(LossTrackerTest, WhatAPredecessorToldIsNotToldAgain) {
  Lose(1, Kind::file_open, VAKT_LOST_RING_FULL, 7);
  Look(100);
  LossTracker successor(cpus_);
  for (uint32_t cpu = 0; cpu < 2; ++cpu) successor.Resume(cpu, tracker_.told(cpu));
  Lose(1, Kind::file_open, VAKT_LOST_RING_FULL, 5);
  std::vector<Loss> losses;
  successor.Look(200, &losses);
  ASSERT_EQ(losses.size(), 1u);
  EXPECT_EQ(losses[0].count, 5u);
}

TEST_F(LossTrackerTest, SaysWhatWasLostWhereWhyAndWhen) {
  EXPECT_TRUE(Look(100).empty());
  Lose(1, Kind::file_open, VAKT_LOST_SCRATCH_BUSY, 7);
  const auto losses = Look(200);
  ASSERT_EQ(losses.size(), 1u);
  EXPECT_EQ(losses[0].kind, Kind::file_open);
  EXPECT_EQ(losses[0].lane, Lane::BULK);
  EXPECT_EQ(losses[0].cpu, 1u);
  EXPECT_EQ(losses[0].reason, "scratch_busy");
  EXPECT_EQ(losses[0].count, 7u);
  EXPECT_EQ(losses[0].begin_boot_ns, 100);
  EXPECT_EQ(losses[0].end_boot_ns, 200);
}

TEST_F(LossTrackerTest, EachLossIsToldOnce) {
  Lose(0, Kind::process_exec, VAKT_LOST_RING_FULL, 3);
  EXPECT_EQ(Look(1).size(), 1u);
  EXPECT_TRUE(Look(2).empty());
  Lose(0, Kind::process_exec, VAKT_LOST_RING_FULL, 2);
  const auto more = Look(3);
  ASSERT_EQ(more.size(), 1u);
  EXPECT_EQ(more[0].count, 2u);
  EXPECT_EQ(tracker_.lost_total(), 5u);
}

TEST_F(LossTrackerTest, HolesInTheNumbersAgreeWithTheCounters) {
  for (uint64_t seq : {1, 2, 5}) tracker_.OnRecord(Header(0, VAKT_LANE_CRITICAL, seq));
  Lose(0, Kind::process_exit, VAKT_LOST_RING_FULL, 2);
  Look(1);
  EXPECT_EQ(tracker_.missing_total(), tracker_.lost_total());
}

TEST_F(LossTrackerTest, HeadersFromNowhereAreIgnored) {
  tracker_.OnRecord(Header(99, 0, 1));
  tracker_.OnRecord(Header(0, 9, 1));
  EXPECT_EQ(tracker_.missing_total(), 0u);
}

TEST(LossReasons, OneNamePerReasonOfTheWireFormat) {
  EXPECT_EQ(LossReasons().size(), static_cast<size_t>(VAKT_LOST_REASONS));
  EXPECT_EQ(LossReasons()[VAKT_LOST_RING_FULL], "ring_full");
  EXPECT_EQ(LossReasons()[VAKT_LOST_SCRATCH_BUSY], "scratch_busy");
  EXPECT_EQ(LossReasons()[VAKT_LOST_TABLE_FULL], "table_full");
}

}  // namespace
}  // namespace vakt
