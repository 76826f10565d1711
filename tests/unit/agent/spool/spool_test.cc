// SPDX-License-Identifier: Apache-2.0
#include "agent/spool/spool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/synchronization/notification.h"
#include "tests/support/memory_file_system.h"

namespace vakt {
namespace {

using ::testing::SizeIs;

constexpr int kUrgent = 2;
constexpr int kRelaxed = 6;

class SpoolTest : public ::testing::Test {
 protected:
  SpoolTest() {
    options_.dir = "/spool";
    options_.linger_urgent = absl::Milliseconds(1);
    options_.linger_relaxed = absl::Hours(1);
  }

  Spool& Open() {
    spool_.reset();
    auto spool = Spool::Open(options_, disk_);
    EXPECT_TRUE(spool.ok()) << spool.status();
    spool_ = *std::move(spool);
    seq_ = 0;
    return *spool_;
  }

  bool Append(int priority, size_t bytes = 100) {
    return spool_->Append({{spool_->epoch(), ++seq_}, priority, std::string(bytes, 'x')});
  }

  std::vector<OutRecord> ReadAll() {
    std::vector<OutRecord> records;
    spool_->Read({}, 1'000'000, 1 << 30, &records);
    return records;
  }

  // Until FixDisk, nothing can be made durable.
  void BreakDisk(absl::Status status) { disk_.FailNext(FileOperation::kSync, status, 1 << 30); }
  void FixDisk() { disk_.FailNext(FileOperation::kSync, absl::OkStatus()); }

  MemoryFileSystem disk_;
  SpoolOptions options_;
  std::unique_ptr<Spool> spool_;
  uint64_t seq_ = 0;
};

TEST_F(SpoolTest, ManyRecordsTakeFewSyncs) {
  Open();
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(Append(kRelaxed));
  EXPECT_EQ(spool_->stats().syncs, 0u);
  EXPECT_EQ(spool_->stats().pending_records, 1000u);
  ASSERT_TRUE(spool_->Flush());
  EXPECT_EQ(spool_->stats().syncs, 1u);
  EXPECT_THAT(ReadAll(), SizeIs(1000));
  EXPECT_EQ(spool_->newest().seq, 1000u);
}

TEST_F(SpoolTest, AnUrgentRecordTakesTheWaitingOnesAlong) {
  Open();
  ASSERT_TRUE(Append(kRelaxed));
  EXPECT_FALSE(spool_->WaitReadable({}, absl::Milliseconds(20)));
  ASSERT_TRUE(Append(kUrgent));
  ASSERT_TRUE(spool_->WaitReadable({}, absl::Seconds(10)));
  EXPECT_THAT(ReadAll(), SizeIs(2));
}

TEST_F(SpoolTest, RelaxedRecordsWaitNoLongerThanTheirLinger) {
  options_.linger_relaxed = absl::Milliseconds(5);
  Open();
  ASSERT_TRUE(Append(kRelaxed));
  EXPECT_TRUE(spool_->WaitReadable({}, absl::Seconds(10)));
}

TEST_F(SpoolTest, ALargeGroupDoesNotWait) {
  Open();
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(Append(kRelaxed, 100'000));
  EXPECT_TRUE(spool_->WaitReadable({}, absl::Seconds(10)));
}

TEST_F(SpoolTest, ClosingMakesEverythingDurable) {
  Open();
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(Append(kRelaxed));
  Open();
  EXPECT_THAT(ReadAll(), SizeIs(10));
  EXPECT_EQ(spool_->stats().pending_records, 10u);
}

TEST_F(SpoolTest, RefusesWhatItCannotHold) {
  options_.queue_records = 3;
  options_.queue_bytes = 1000;
  Open();
  EXPECT_FALSE(Append(kRelaxed, 1001));
  EXPECT_TRUE(Append(kRelaxed));
  --seq_;
  EXPECT_FALSE(Append(kRelaxed)) << "a position that was taken already";
  EXPECT_TRUE(Append(kRelaxed));
  EXPECT_FALSE(Append(kRelaxed)) << "the rest of the queue is for urgent records";
  EXPECT_TRUE(Append(kUrgent));
  EXPECT_FALSE(Append(kUrgent)) << "the queue holds three";
  EXPECT_EQ(spool_->stats().rejected, 4u);
  EXPECT_EQ(spool_->stats().appended, 3u);
  ASSERT_TRUE(spool_->Flush());
  EXPECT_TRUE(Append(kRelaxed));
}

TEST_F(SpoolTest, ABrokenDiskHoldsUpNobodyAndLosesNothing) {
  options_.queue_records = 100;
  Open();
  BreakDisk(absl::DataLossError("EIO"));
  int accepted = 0;
  for (int i = 0; i < 500; ++i) accepted += Append(kUrgent) ? 1 : 0;
  EXPECT_EQ(accepted, 100);
  EXPECT_FALSE(spool_->Flush(absl::Milliseconds(10)));
  EXPECT_FALSE(spool_->WaitReadable({}, absl::ZeroDuration()));
  EXPECT_GT(spool_->stats().write_errors, 0u);
  FixDisk();
  ASSERT_TRUE(spool_->Flush());
  EXPECT_THAT(ReadAll(), SizeIs(100));
}

TEST_F(SpoolTest, ClosingOnABrokenDiskEnds) {
  Open();
  ASSERT_TRUE(Append(kRelaxed));
  BreakDisk(absl::ResourceExhaustedError("disk full"));
  spool_.reset();
  FixDisk();
  Open();  // whatever is left of the record: not more than that
  EXPECT_LE(ReadAll().size(), 1u);
}

TEST_F(SpoolTest, AcknowledgedRecordsAreNoLongerPending) {
  Open();
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(Append(kRelaxed));
  ASSERT_TRUE(spool_->Flush());
  spool_->Acknowledge({spool_->epoch(), 7});
  EXPECT_EQ(spool_->stats().pending_records, 3u);
  EXPECT_EQ(spool_->acknowledged().seq, 7u);
}

TEST_F(SpoolTest, TheListenerIsCalledUntilItIsTakenAway) {
  Open();
  std::atomic<int> calls = 0;
  absl::Notification called;
  spool_->OnReadable([&] {
    if (++calls == 1) called.Notify();
  });
  ASSERT_TRUE(Append(kUrgent));
  called.WaitForNotification();
  spool_->OnReadable(nullptr);
  ASSERT_TRUE(Append(kUrgent));
  ASSERT_TRUE(spool_->Flush());
  EXPECT_EQ(calls, 1);
}

// For the thread sanitizer: everything at once.
TEST_F(SpoolTest, AppendReadAndAcknowledgeTogether) {
  constexpr uint64_t kRecords = 20'000;
  options_.linger_relaxed = absl::Milliseconds(1);
  options_.segment_bytes = 64 << 10;
  Open();
  std::thread reader([this] {
    Position last;
    while (last.seq < kRecords) {
      std::vector<OutRecord> records;
      spool_->WaitReadable(last, absl::Seconds(1));
      spool_->Read(last, 500, 1 << 20, &records);
      for (const OutRecord& record : records) {
        ASSERT_EQ(record.position.seq, last.seq + 1);
        last = record.position;
      }
      spool_->Acknowledge(last);
      (void)spool_->stats();
    }
  });
  while (seq_ < kRecords) {
    if (!Append(kRelaxed)) {
      --seq_;
      std::this_thread::yield();
    }
  }
  reader.join();
  EXPECT_EQ(spool_->stats().pending_records, 0u);
  EXPECT_EQ(spool_->stats().shed, 0u);
  EXPECT_EQ(spool_->stats().corrupt, 0u);
}

}  // namespace
}  // namespace vakt
