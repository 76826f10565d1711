// SPDX-License-Identifier: Apache-2.0
#include "agent/app/delivery.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <vector>

#include "common/base/clock.h"
#include "tests/support/temporary_directory.h"

namespace vakt {
namespace {

class DeliveryTest : public ::testing::Test {
 protected:
  void OpenSpool(size_t queue_records) {
    SpoolOptions options;
    options.dir = directory_.path() + "/spool";
    options.queue_records = queue_records;
    // Nothing leaves the queue by itself, so that the test decides when it is full.
    options.linger_urgent = options.linger_relaxed = absl::Seconds(30);
    spool_ = Spool::Open(options).value();
    delivery_ =
        std::make_unique<Delivery>("boot", spool_->epoch(), spool_.get(), nullptr, RealClock());
  }

  std::vector<v1::Record> Delivered() {
    EXPECT_TRUE(spool_->Flush());
    std::vector<OutRecord> out;
    spool_->Read({}, 1000, 1 << 20, &out);
    std::vector<v1::Record> records;
    for (const OutRecord& o : out) EXPECT_TRUE(records.emplace_back().ParseFromString(o.bytes));
    return records;
  }

  static v1::Alert Alert(const std::string& rule) {
    v1::Alert alert;
    alert.set_rule(rule);
    alert.set_priority(v1::PRIORITY_NOTICE);
    return alert;
  }

  const TemporaryDirectory directory_;  // goes last
  std::unique_ptr<Spool> spool_;
  std::unique_ptr<Delivery> delivery_;
};

TEST_F(DeliveryTest, NumbersAlertsGapsAndNotesInOneStreamWithoutHoles) {
  OpenSpool(100);
  delivery_->OnLifecycle({});
  delivery_->OnAlert(Alert("first"));
  delivery_->OnGap({});
  delivery_->OnAlert(Alert("second"));
  const auto records = Delivered();
  ASSERT_EQ(records.size(), 4u);
  for (size_t i = 0; i < records.size(); ++i) {
    EXPECT_EQ(records[i].seq(), i + 1);
    EXPECT_EQ(records[i].epoch(), spool_->epoch());
    EXPECT_EQ(records[i].boot_id(), "boot");
  }
  EXPECT_TRUE(records[0].has_lifecycle());
  EXPECT_EQ(records[1].alert().rule(), "first");
  EXPECT_TRUE(records[2].has_gap());
  EXPECT_EQ(records[3].alert().rule(), "second");
}

TEST_F(DeliveryTest, WhatTheQueueRefusesIsToldExactlyOnceThereIsRoom) {
  OpenSpool(4);
  for (int i = 0; i < 10; ++i) delivery_->OnAlert(Alert("flood"));
  EXPECT_EQ(delivery_->counters().alerts_shed, 7u);
  delivery_->Tick();  // a part of the queue is kept for what is urgent
  delivery_->OnAlert(Alert("flood"));
  delivery_->Tick();  // full: nothing can be said, nothing is forgotten
  ASSERT_TRUE(spool_->Flush());
  delivery_->Tick();
  delivery_->Tick();
  const auto records = Delivered();
  ASSERT_EQ(records.size(), 5u);
  for (const size_t i : {3, 4}) {
    EXPECT_EQ(records[i].seq(), i + 1);
    EXPECT_EQ(records[i].gap().class_(), v1::Gap::CLASS_SHED);
    EXPECT_EQ(records[i].gap().count(), i == 3 ? 7u : 1u);
    EXPECT_EQ(records[i].gap().reason(), "spool_queue_full");
  }
}

TEST_F(DeliveryTest, ABrokenChainIsToldAndWhatIsMissingIsNotToldTwice) {
  OpenSpool(100);
  SpoolFinding altered{SpoolFinding::Kind::kAltered, "1.seg", 89, {1, 2}, 0, "not the record"};
  SpoolFinding missing{SpoolFinding::Kind::kMissing, "1.seg", 89, {1, 2}, 3, "3 records missing"};
  delivery_->OnSpoolFindings({altered, missing, {}});
  const auto records = Delivered();
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(records[0].gap().class_(), v1::Gap::CLASS_CORRUPT);
  EXPECT_EQ(records[0].gap().reason(), "spool_chain: altered: 1.seg at byte 89: not the record");
}

TEST_F(DeliveryTest, WorksWithoutASpool) {
  Delivery alone("boot", 7, nullptr, nullptr, RealClock());
  alone.OnAlert(Alert("x"));
  alone.Tick();
  EXPECT_EQ(alone.counters().records, 1u);
  EXPECT_EQ(alone.counters().alerts_shed, 0u);
}

}  // namespace
}  // namespace vakt
