// SPDX-License-Identifier: Apache-2.0
#include "collector/sink/outbox.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

namespace vakt {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// A destination whose behaviour the test sets, and the clock.
class OutboxTest : public ::testing::Test {
 protected:
  void Add(int first, int last) {
    std::vector<v1::StoredRecord> records;
    for (int i = first; i <= last; ++i) records.emplace_back().set_cursor(std::to_string(i));
    outbox_.Add(std::move(records));
  }
  // All attempts that are due within the time.
  void Run(absl::Duration time) {
    const absl::Time end = now_ + time;
    while (now_ < end) {
      const auto attempt = outbox_.Next(now_);
      if (attempt.empty()) {
        now_ = std::min(end, std::max(now_ + absl::Milliseconds(1), outbox_.due()));
        continue;
      }
      Try(attempt);
    }
  }
  void Try(absl::Span<const v1::StoredRecord> attempt) {
    std::vector<Delivery> deliveries;
    bool fails = down_;
    for (const v1::StoredRecord& record : attempt) fails |= as_one_ && Chokes(record);
    for (const v1::StoredRecord& record : attempt) {
      const bool failed = fails || Chokes(record);
      Delivery delivery = {failed ? Delivery::Result::kRetry : Delivery::Result::kDelivered, "why"};
      delivery.busy = busy_;
      if (refused_.contains(record.cursor())) delivery.result = Delivery::Result::kRefused;
      if (delivery.result == Delivery::Result::kDelivered) arrived_.push_back(record.cursor());
      deliveries.push_back(delivery);
    }
    const AttemptResult result =
        outbox_.Take(deliveries, now_, [&](const v1::StoredRecord& record, const std::string& why) {
          if (!can_keep_) return false;
          set_aside_.push_back(record.cursor() + ": " + why);
          return true;
        });
    if (result.of_queue) failure_ = result.failure;
  }
  bool Chokes(const v1::StoredRecord& record) const { return poison_.contains(record.cursor()); }

  Outbox outbox_{absl::Seconds(1)};
  absl::Time now_ = absl::UnixEpoch();
  bool down_ = false, as_one_ = false, busy_ = false, can_keep_ = true;
  std::set<std::string> poison_, refused_;
  std::vector<std::string> arrived_, set_aside_;
  std::string failure_;
};

TEST_F(OutboxTest, EverythingArrivesInOrderInOneAttempt) {
  Add(1, 4);
  Run(absl::Milliseconds(1));
  EXPECT_THAT(arrived_, ElementsAre("1", "2", "3", "4"));
  EXPECT_EQ(outbox_.oldest(), nullptr);
  EXPECT_EQ(outbox_.due(), absl::InfiniteFuture());
}

TEST_F(OutboxTest, WhileTheOtherSideIsDownAllWaitInTheirOrder) {
  down_ = true;
  Add(1, 4);
  Run(absl::Hours(1));
  EXPECT_THAT(arrived_, IsEmpty());
  EXPECT_THAT(set_aside_, IsEmpty());
  EXPECT_EQ(outbox_.oldest()->cursor(), "1");
  EXPECT_EQ(failure_, "why");
  EXPECT_EQ(outbox_.deferred(), 0u);
  down_ = false;
  Run(absl::Seconds(2));
  EXPECT_THAT(arrived_, ElementsAre("1", "2", "3", "4"));
  EXPECT_EQ(failure_, "");
}

TEST_F(OutboxTest, OneThatFailsAmongOthersIsDeferredAndHoldsTheCursor) {
  poison_ = {"2"};
  Add(1, 4);
  Run(absl::Milliseconds(1));
  EXPECT_THAT(arrived_, ElementsAre("1", "3", "4"));
  EXPECT_EQ(outbox_.oldest()->cursor(), "2");
  EXPECT_EQ(outbox_.deferred(), 1u);
  EXPECT_TRUE(outbox_.wants_many());
  EXPECT_EQ(failure_, "");
  poison_.clear();
  Run(absl::Seconds(2));
  EXPECT_EQ(arrived_.back(), "2");
  EXPECT_EQ(outbox_.oldest(), nullptr);
}

TEST_F(OutboxTest, OneThatSpoilsItsWholeBatchIsFound) {
  as_one_ = true;
  poison_ = {"300"};
  Add(1, 1000);
  Run(absl::Seconds(5));
  EXPECT_EQ(arrived_.size(), 999u);
  EXPECT_TRUE(std::is_sorted(arrived_.begin(), arrived_.end(), [](const auto& a, const auto& b) {
    return std::stoi(a) < std::stoi(b);
  }));
  EXPECT_EQ(outbox_.oldest()->cursor(), "300");
}

TEST_F(OutboxTest, SoAreSeveralInARow) {
  as_one_ = true;
  for (int i = 10; i < 30; ++i) poison_.insert(std::to_string(i));
  Add(1, 100);
  Run(absl::Seconds(20));
  EXPECT_EQ(arrived_.size(), 80u);
  EXPECT_EQ(outbox_.deferred(), 20u);
}

TEST_F(OutboxTest, MoreRecordsAreAskedForUntilOneArrives) {
  poison_ = {"1", "2", "3"};
  Add(1, 2);
  for (int next = 3; outbox_.deferred() == 0; ++next) {
    Run(absl::Minutes(1));
    ASSERT_TRUE(outbox_.wants_records());
    ASSERT_LT(next, 10);
    Add(next, next);
    Run(absl::Milliseconds(1));
  }
  EXPECT_THAT(arrived_, ElementsAre("4"));
  EXPECT_EQ(outbox_.deferred(), 3u);
}

TEST_F(OutboxTest, TheLastRecordWaitsForOneThatTellsWhoseFaultItIs) {
  as_one_ = true;
  poison_ = {"1"};
  Add(1, 1);
  EXPECT_FALSE(outbox_.wants_records());
  Run(absl::Hours(1));
  EXPECT_TRUE(outbox_.wants_records());
  EXPECT_FALSE(outbox_.wants_many());
  EXPECT_THAT(set_aside_, IsEmpty());
  Add(2, 2);
  Run(absl::Seconds(2));
  EXPECT_THAT(arrived_, ElementsAre("2"));
  EXPECT_EQ(outbox_.deferred(), 1u);
}

TEST_F(OutboxTest, OnlyFailuresWhileOthersArriveCount) {
  poison_ = {"1"};
  Add(1, 2);
  Run(absl::Hours(1));
  EXPECT_THAT(set_aside_, IsEmpty());  // nothing has arrived since
  for (int i = 3; set_aside_.empty(); ++i) {
    ASSERT_LT(i, 3 + Outbox::kMaxFailures);
    Add(i, i);
    Run(absl::Seconds(2));
  }
  EXPECT_THAT(set_aside_, ElementsAre("1: failed again and again while others arrived: why"));
  EXPECT_EQ(outbox_.oldest(), nullptr);
}

TEST_F(OutboxTest, OfAnOverloadedPeerManyMoreFailuresAreTaken) {
  busy_ = true;
  poison_ = {"1"};
  Add(1, 2);
  for (int i = 3; i < 3 + 5 * Outbox::kMaxFailures; ++i) {
    Add(i, i);
    Run(absl::Seconds(2));
  }
  EXPECT_THAT(set_aside_, IsEmpty());
}

TEST_F(OutboxTest, TooManyThatFailHoldUpTheQueue) {
  for (int i = 1; i <= 100; ++i) poison_.insert(std::to_string(i));
  Add(1, 101);
  Run(absl::Milliseconds(1));
  EXPECT_EQ(outbox_.deferred(), Outbox::kMaxDeferred);
  EXPECT_FALSE(outbox_.wants_many());
  EXPECT_EQ(outbox_.oldest()->cursor(), "1");
  poison_.clear();
  Run(absl::Seconds(5));
  EXPECT_EQ(arrived_.size(), 101u);
}

TEST_F(OutboxTest, WhatIsRefusedAndCannotBeKeptStays) {
  refused_ = {"1"};
  can_keep_ = false;
  Add(1, 2);
  Run(absl::Seconds(1));
  EXPECT_EQ(outbox_.oldest()->cursor(), "1");
  can_keep_ = true;
  Run(absl::Seconds(2));
  EXPECT_THAT(set_aside_, ElementsAre("1: why"));
  EXPECT_EQ(outbox_.oldest(), nullptr);
}

}  // namespace
}  // namespace vakt
