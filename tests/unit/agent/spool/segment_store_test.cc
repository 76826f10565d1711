// SPDX-License-Identifier: Apache-2.0
#include "agent/spool/segment_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "agent/spool/state_file.h"
#include "tests/support/memory_file_system.h"

namespace vakt {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr char kDir[] = "/spool";
constexpr size_t kRecordBytes = 1000;
constexpr size_t kStoredBytes = 24 + kSpoolRecordPrefixBytes + kRecordBytes;

std::string BytesOf(Position position) {
  std::string bytes = std::to_string(position.epoch) + "/" + std::to_string(position.seq) + " ";
  bytes.resize(kRecordBytes, 'x');
  return bytes;
}

class SegmentStoreTest : public ::testing::Test {
 protected:
  // Opens the spool on `disk`; what was open before is closed.
  SegmentStore& Open(uint64_t max_bytes = 64 * 4096, uint64_t segment_bytes = 4 * 4096) {
    store_.reset();
    auto store = SegmentStore::Open({kDir, max_bytes, segment_bytes}, disk_);
    EXPECT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
    return *store_;
  }

  // Makes the next `count` records of this epoch durable, in one group.
  absl::Status Write(int count) {
    std::vector<OutRecord> group;
    if (last_.epoch != store_->epoch()) last_ = {store_->epoch(), 0};
    for (int i = 0; i < count; ++i) {
      ++last_.seq;
      group.push_back({last_, 2, BytesOf(last_)});
    }
    return store_->Write(group);
  }

  // All that can be read after `after`, a few at a time.
  std::vector<Position> ReadAll(Position after = {}) {
    std::vector<Position> positions;
    for (std::vector<OutRecord> records; store_->Read(after, 3, 1 << 20, &records) > 0;
         records.clear()) {
      for (const OutRecord& record : records) {
        EXPECT_EQ(record.bytes, BytesOf(record.position));
        EXPECT_EQ(record.priority, 2);
        positions.push_back(record.position);
      }
      after = positions.back();
    }
    return positions;
  }

  std::vector<uint64_t> ReadSeqs(Position after = {}) {
    std::vector<uint64_t> seqs;
    for (const Position& position : ReadAll(after)) seqs.push_back(position.seq);
    return seqs;
  }

  std::string SegmentWith(uint64_t number) const { return SegmentPath(kDir, number); }

  MemoryFileSystem disk_;
  std::unique_ptr<SegmentStore> store_;
  Position last_;
};

TEST_F(SegmentStoreTest, ReadsBackWhatWasWritten) {
  Open();
  ASSERT_TRUE(Write(2).ok());
  ASSERT_TRUE(Write(1).ok());
  EXPECT_THAT(ReadSeqs(), ElementsAre(1, 2, 3));
  EXPECT_THAT(ReadSeqs({store_->epoch(), 2}), ElementsAre(3));
  EXPECT_FALSE(store_->HasAfter(last_));
  EXPECT_EQ(store_->stats().pending_records, 3u);
}

TEST_F(SegmentStoreTest, ReadKeepsToItsLimitsButGivesAtLeastOne) {
  Open();
  ASSERT_TRUE(Write(5).ok());
  std::vector<OutRecord> records;
  EXPECT_EQ(store_->Read({}, 2, 1 << 20, &records), 2u);
  EXPECT_EQ(store_->Read(records.back().position, 9, 2 * kRecordBytes + 1, &records), 2u);
  EXPECT_EQ(store_->Read(records.back().position, 9, 1, &records), 1u);
  EXPECT_EQ(records.back().position.seq, 5u);
}

TEST_F(SegmentStoreTest, RecordsOutliveTheProcessInOrder) {
  const uint64_t first_epoch = Open().epoch();
  ASSERT_TRUE(Write(20).ok());
  const uint64_t second_epoch = Open().epoch();
  EXPECT_GT(second_epoch, first_epoch);
  ASSERT_TRUE(Write(2).ok());
  Open();
  const std::vector<Position> all = ReadAll();
  ASSERT_THAT(all, SizeIs(22));
  EXPECT_EQ(all[19], (Position{first_epoch, 20}));
  EXPECT_EQ(all[20], (Position{second_epoch, 1}));
  EXPECT_EQ(store_->stats().corrupt, 0u);
}

TEST_F(SegmentStoreTest, AcknowledgedSegmentsAreDeletedAndStayAcknowledged) {
  Open();
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(Write(4).ok());
  EXPECT_TRUE(disk_.Exists(SegmentWith(1)));
  store_->Acknowledge({store_->epoch(), 38});
  store_->Housekeep();
  EXPECT_FALSE(disk_.Exists(SegmentWith(1)));
  EXPECT_EQ(store_->stats().pending_records, 2u);
  EXPECT_THAT(store_->TakeShed(), IsEmpty());
  const Position acknowledged = store_->acknowledged();
  Open();
  EXPECT_EQ(store_->acknowledged(), acknowledged);
  EXPECT_EQ(store_->stats().pending_records, 2u);
  EXPECT_THAT(ReadSeqs(store_->acknowledged()), ElementsAre(39, 40));
}

TEST_F(SegmentStoreTest, ThePositionOutlivesItsSegment) {
  Open();
  ASSERT_TRUE(Write(3).ok());
  const Position all = last_;
  store_->Acknowledge(all);
  store_->Housekeep();
  for (int run = 0; run < 3; ++run) {
    Open();
    EXPECT_EQ(store_->acknowledged(), all);
    EXPECT_EQ(store_->newest(), all);
    EXPECT_FALSE(store_->HasAfter({}));
  }
}

TEST_F(SegmentStoreTest, AcknowledgementsOfTheFutureAndThePastAreIgnored) {
  Open();
  ASSERT_TRUE(Write(3).ok());
  store_->Acknowledge({UINT64_MAX, 1});
  store_->Acknowledge({store_->epoch(), 4});
  EXPECT_EQ(store_->acknowledged(), Position{});
  store_->Acknowledge({store_->epoch(), 2});
  store_->Acknowledge({store_->epoch(), 1});
  EXPECT_EQ(store_->acknowledged().seq, 2u);
}

TEST_F(SegmentStoreTest, OverTheQuotaTheOldestGoAndAreAccountedForExactly) {
  Open();
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(Write(10).ok());
  store_->Acknowledge({store_->epoch(), 4});
  for (int i = 0; i < 90; ++i) ASSERT_TRUE(Write(10).ok());
  const SegmentStore::Stats stats = store_->stats();
  EXPECT_LE(stats.bytes, 64u * 4096);
  const std::vector<uint64_t> kept = ReadSeqs();
  uint64_t next = 5;
  uint64_t count = 0;
  for (const ShedRange& shed : store_->TakeShed()) {
    EXPECT_EQ(shed.reason, ShedReason::kQuota);
    EXPECT_EQ(shed.first.seq, next);
    EXPECT_EQ(shed.count, shed.last.seq - shed.first.seq + 1);
    next = shed.last.seq + 1;
    count += shed.count;
  }
  ASSERT_FALSE(kept.empty());
  EXPECT_EQ(kept.front(), next);
  EXPECT_EQ(4 + count + kept.size(), 1000u);
  EXPECT_EQ(stats.shed, count);
  EXPECT_THAT(store_->TakeShed(), IsEmpty());
}

TEST_F(SegmentStoreTest, AFailedSyncGivesUpTheFileAndWritesTheGroupAgain) {
  Open();
  ASSERT_TRUE(Write(2).ok());
  disk_.FailNext(FileOperation::kSync, absl::DataLossError("EIO"));
  ASSERT_TRUE(Write(3).ok());
  ASSERT_TRUE(Write(1).ok());
  EXPECT_EQ(store_->stats().write_errors, 1u);
  EXPECT_THAT(ReadSeqs(), ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_TRUE(disk_.Exists(SegmentWith(2)));
  // After a restart, the copies in the file that failed are not taken twice.
  Open();
  EXPECT_THAT(ReadSeqs(), ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_EQ(store_->stats().corrupt, 0u);
}

TEST_F(SegmentStoreTest, ATornCopyOfAGroupNeverHidesTheGoodOne) {
  Open();
  ASSERT_TRUE(Write(2).ok());
  disk_.FailNext(FileOperation::kSync, absl::DataLossError("EIO"));
  ASSERT_TRUE(Write(3).ok());  // 3, 4, 5 in the first segment unsynced, in the second durable
  disk_.FlipBit(SegmentWith(1), disk_.Contents(SegmentWith(1)).size() - kStoredBytes - 10);  // 4
  Open();
  EXPECT_THAT(ReadSeqs(), ElementsAre(1, 2, 3, 4, 5));
  EXPECT_THAT(store_->TakeShed(), IsEmpty());
}

TEST_F(SegmentStoreTest, AFailedWriteIsWrittenAgain) {
  Open();
  ASSERT_TRUE(Write(1).ok());
  disk_.FailNext(FileOperation::kAppend, absl::DataLossError("EIO"));
  ASSERT_TRUE(Write(3).ok());
  EXPECT_THAT(ReadSeqs(), ElementsAre(1, 2, 3, 4));
  Open();
  EXPECT_THAT(ReadSeqs(), ElementsAre(1, 2, 3, 4));
}

TEST_F(SegmentStoreTest, ADiskThatStaysBrokenIsReportedAndNothingIsLost) {
  Open();
  ASSERT_TRUE(Write(1).ok());
  disk_.FailNext(FileOperation::kCreate, absl::DataLossError("EIO"), 2);
  disk_.FailNext(FileOperation::kSync, absl::DataLossError("EIO"), 1);
  const std::vector<OutRecord> group = {{{store_->epoch(), 2}, 2, BytesOf({store_->epoch(), 2})}};
  EXPECT_EQ(store_->Write(group).code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(ReadSeqs(), ElementsAre(1));
  ASSERT_TRUE(store_->Write(group).ok());
  EXPECT_THAT(ReadSeqs(), ElementsAre(1, 2));
}

TEST_F(SegmentStoreTest, AFullDiskGivesUpTheOldestSegment) {
  Open(/*max_bytes=*/1 << 20, /*segment_bytes=*/8192);
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(Write(5).ok());
  uint64_t used = 0;
  for (uint64_t number = 1; number <= 10; ++number) {
    used += disk_.Contents(SegmentWith(number)).size();
  }
  disk_.SetCapacity(used + 3000);
  ASSERT_TRUE(Write(5).ok());
  const std::vector<ShedRange> shed = store_->TakeShed();
  ASSERT_THAT(shed, SizeIs(1));
  EXPECT_EQ(shed[0].reason, ShedReason::kDiskFull);
  EXPECT_EQ(shed[0].first.seq, 1u);
  EXPECT_EQ(ReadSeqs().front(), shed[0].last.seq + 1);
  EXPECT_EQ(ReadSeqs().back(), 55u);
}

TEST_F(SegmentStoreTest, ADamagedRecordCostsItselfAndIsReportedOnce) {
  Open();
  ASSERT_TRUE(Write(5).ok());
  disk_.FlipBit(SegmentWith(1),
                disk_.Contents(SegmentWith(1)).size() - 2 * kStoredBytes - 10);  // seq 3
  EXPECT_THAT(ReadSeqs(), ElementsAre(1, 2, 4, 5));
  EXPECT_THAT(ReadSeqs(), ElementsAre(1, 2, 4, 5));
  std::vector<ShedRange> shed = store_->TakeShed();
  ASSERT_THAT(shed, SizeIs(1));
  EXPECT_EQ(shed[0].count, 1u);
  EXPECT_EQ(shed[0].first.seq, 3u);
  EXPECT_EQ(shed[0].reason, ShedReason::kCorrupt);
  // Found at recovery, it is reported just so.
  Open();
  EXPECT_THAT(ReadSeqs(), ElementsAre(1, 2, 4, 5));
  shed = store_->TakeShed();
  ASSERT_THAT(shed, SizeIs(1));
  EXPECT_EQ(shed[0].first.seq, 3u);
  EXPECT_EQ(shed[0].last.seq, 3u);
  EXPECT_EQ(store_->stats().corrupt, 1u);
}

TEST_F(SegmentStoreTest, DamageAtTheEndOfASegmentIsReported) {
  Open();
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(Write(5).ok());
  disk_.FlipBit(SegmentWith(1), disk_.Contents(SegmentWith(1)).size() - 10);
  const std::vector<uint64_t> seqs = ReadSeqs();
  EXPECT_THAT(seqs, SizeIs(19));
  const std::vector<ShedRange> shed = store_->TakeShed();
  ASSERT_THAT(shed, SizeIs(1));
  EXPECT_THAT(seqs, testing::Not(testing::Contains(shed[0].first.seq)));
  Open();
  EXPECT_THAT(ReadSeqs(), SizeIs(19));
  EXPECT_THAT(store_->TakeShed(), SizeIs(1));
}

TEST_F(SegmentStoreTest, NobodyWaitsForADamagedEnd) {
  Open();
  ASSERT_TRUE(Write(5).ok());
  disk_.FlipBit(SegmentWith(1), disk_.Contents(SegmentWith(1)).size() - 10);
  EXPECT_THAT(ReadSeqs(), ElementsAre(1, 2, 3, 4));
  EXPECT_FALSE(store_->HasAfter({store_->epoch(), 4}));
  EXPECT_EQ(store_->stats().pending_records, 4u);
  EXPECT_THAT(store_->TakeShed(), SizeIs(1));
  ASSERT_TRUE(Write(2).ok());
  EXPECT_THAT(ReadSeqs(), ElementsAre(1, 2, 3, 4, 6, 7));
  EXPECT_THAT(store_->TakeShed(), IsEmpty());
}

TEST_F(SegmentStoreTest, AnUnreadableSegmentIsReportedAndTheRestIsRead) {
  Open();
  for (int i = 0; i < 9; ++i) ASSERT_TRUE(Write(5).ok());
  disk_.SetContents(SegmentWith(2), "nothing like a log, and long enough to tell");
  const std::vector<uint64_t> seqs = ReadSeqs();
  const std::vector<ShedRange> shed = store_->TakeShed();
  ASSERT_THAT(shed, SizeIs(1));
  EXPECT_EQ(seqs.size() + shed[0].count, 45u);
  Open();
  EXPECT_EQ(store_->stats().quarantined, 1u);
  EXPECT_TRUE(disk_.Exists(SegmentPath("/spool/quarantine", 2)));
  EXPECT_EQ(ReadSeqs(), seqs);
  EXPECT_EQ(store_->stats().shed, shed[0].count);
}

TEST_F(SegmentStoreTest, AReadErrorOfTheDiskCostsTheSegmentOnly) {
  Open();
  for (int i = 0; i < 9; ++i) ASSERT_TRUE(Write(5).ok());
  disk_.FailNext(FileOperation::kRead, absl::DataLossError("EIO"));
  const std::vector<uint64_t> seqs = ReadSeqs();
  const std::vector<ShedRange> shed = store_->TakeShed();
  ASSERT_THAT(shed, SizeIs(1));
  EXPECT_EQ(shed[0].first.seq, 1u);
  EXPECT_EQ(seqs.front(), shed[0].last.seq + 1);
  EXPECT_EQ(seqs.back(), 45u);
}

TEST_F(SegmentStoreTest, TheEpochRisesWhateverIsLeftOfItsFile) {
  uint64_t before = Open().epoch();
  ASSERT_TRUE(Write(1).ok());
  for (const char* contents : {"", "12", "garbage", "1 1\n"}) {
    store_.reset();
    disk_.SetContents("/spool/epoch", contents);
    EXPECT_GT(Open().epoch(), before) << contents;
    before = store_->epoch();
  }
}

TEST_F(SegmentStoreTest, AnEpochFitsAJsonNumber) { EXPECT_LT(Open().epoch(), uint64_t{1} << 53); }

TEST_F(SegmentStoreTest, OneProcessAtATime) {
  Open();
  EXPECT_EQ(SegmentStore::Open({kDir}, disk_).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST_F(SegmentStoreTest, AStateFileThatIsDamagedIsNotBelieved) {
  ASSERT_TRUE(WriteStateFile(disk_, "/spool/acknowledged", {7, 8}, true).ok());
  EXPECT_EQ(*ReadStateFile(disk_, "/spool/acknowledged", 2), (std::vector<uint64_t>{7, 8}));
  EXPECT_EQ(ReadStateFile(disk_, "/spool/acknowledged", 1).status().code(),
            absl::StatusCode::kDataLoss);
  disk_.FlipBit("/spool/acknowledged", 0);
  EXPECT_EQ(ReadStateFile(disk_, "/spool/acknowledged", 2).status().code(),
            absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace vakt
