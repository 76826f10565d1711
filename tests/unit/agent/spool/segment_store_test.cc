// SPDX-License-Identifier: Apache-2.0
#include "agent/spool/segment_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
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

// "gone 3-5 x2: spool_quota 7:2 boot"
class TestCodec : public RecordCodec {
 public:
  Facts Describe(std::string_view) const override { return {"boot", 17}; }
  std::string Encode(const Tombstone& tombstone, const ChainHash&) const override {
    std::string text = "gone " + std::to_string(tombstone.first.seq) + "-" +
                       std::to_string(tombstone.last.seq) + " x" + std::to_string(tombstone.count) +
                       ": " + std::string(LossReasonName(tombstone.reason));
    for (const auto& [priority, count] : tombstone.by_priority) {
      text += " " + std::to_string(priority) + ":" + std::to_string(count);
    }
    return text + " " + tombstone.boot_id;
  }
};
const TestCodec kCodec;

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
    auto store = SegmentStore::Open({kDir, max_bytes, segment_bytes, &kCodec}, disk_);
    EXPECT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
    return *store_;
  }

  // Makes the next `count` records of this epoch durable, in one group.
  absl::Status Write(int count, int priority = 2) {
    std::vector<OutRecord> group;
    if (last_.epoch != store_->epoch()) last_ = {store_->epoch(), 0};
    for (int i = 0; i < count; ++i) {
      ++last_.seq;
      group.push_back({last_, priority, BytesOf(last_)});
    }
    return store_->Write(group);
  }

  // All that can be read after `after`, a few at a time; what tells of loss goes to gone_. Checks
  // that the batches are links of one chain.
  std::vector<Position> ReadAll(Position after = {}) {
    std::vector<Position> positions;
    gone_.clear();
    std::optional<ChainHash> here;
    ChainSpan chain;
    for (std::vector<OutRecord> records; store_->Read(after, 3, 1 << 20, &records, &chain) > 0;
         records.clear()) {
      if (here && chain.before) {
        EXPECT_EQ(*here, *chain.before);
      }
      here = chain.after;
      for (const OutRecord& record : records) {
        EXPECT_GT(record.position, after);
        after = record.position;
        if (record.bytes.starts_with("gone")) {
          gone_.push_back(record.bytes);
          continue;
        }
        EXPECT_EQ(record.bytes, BytesOf(record.position));
        positions.push_back(record.position);
      }
    }
    if (here) {
      EXPECT_EQ(*here, store_->head().hash);
    }
    return positions;
  }

  std::vector<uint64_t> ReadSeqs(Position after = {}) {
    std::vector<uint64_t> seqs;
    for (const Position& position : ReadAll(after)) seqs.push_back(position.seq);
    return seqs;
  }

  std::string SegmentWith(uint64_t number, uint32_t generation = 0) const {
    return SegmentPath(kDir, {number, generation});
  }

  // A byte in the payload of the n-th record of a segment.
  static size_t InRecord(size_t n) {
    return 24 + EncodeSegmentHeader({}).size() + n * kStoredBytes - 10;
  }

  // What ReadAll was last told to be gone, in all.
  uint64_t GoneRecords() const {
    uint64_t count = 0;
    for (const std::string& text : gone_) count += std::stoull(text.substr(text.find('x') + 1));
    return count;
  }

  MemoryFileSystem disk_;
  std::unique_ptr<SegmentStore> store_;
  Position last_;
  std::vector<std::string> gone_;
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

TEST_F(SegmentStoreTest, ReadsOnAsASegmentGrows) {
  Open();
  ASSERT_TRUE(Write(1).ok());
  Position after;
  std::vector<OutRecord> records;
  for (int i = 0; i < 30; ++i) {
    records.clear();
    ASSERT_EQ(store_->Read(after, 100, 1 << 20, &records), 1u);
    ASSERT_EQ(records[0].bytes, BytesOf(last_));
    after = last_;
    ASSERT_TRUE(Write(1).ok());
  }
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
    EXPECT_EQ(store_->head().position, all);
    EXPECT_FALSE(store_->HasAfter(all));
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
  disk_.FlipBit(SegmentWith(1), InRecord(4));
  Open();
  EXPECT_THAT(ReadSeqs(), ElementsAre(1, 2, 3, 4, 5));
  EXPECT_THAT(gone_, IsEmpty());
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

TEST_F(SegmentStoreTest, OverTheQuotaTheLeastSevereGoFirstAndTheOldestOfThem) {
  Open();
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(Write(5, kNotePriority).ok());
    ASSERT_TRUE(Write(5, 4).ok());
    ASSERT_TRUE(Write(5, 7).ok());
  }
  EXPECT_EQ(store_->stats().shed, 0u);
  for (int i = 0; i < 8; ++i) ASSERT_TRUE(Write(10, 2).ok());
  EXPECT_LE(store_->stats().bytes, 64u * 4096);
  const std::vector<uint64_t> kept = ReadSeqs();
  EXPECT_EQ(GoneRecords() + kept.size(), 230u);
  EXPECT_EQ(GoneRecords(), store_->stats().shed);
  // Some of priority 7 had to go, from the oldest on; nothing else did.
  ASSERT_THAT(gone_, testing::Not(IsEmpty()));
  for (size_t i = 0; i < gone_.size(); ++i) {
    const uint64_t first = 15 * i + 11;
    EXPECT_EQ(gone_[i], "gone " + std::to_string(first) + "-" + std::to_string(first + 4) +
                            " x5: spool_quota 7:5 boot");
  }
}

TEST_F(SegmentStoreTest, UnderAFloodOnlyNotesAndTheNewestAreLeftAndAllIsAccountedFor) {
  Open();
  ASSERT_TRUE(Write(3, kNotePriority).ok());
  for (int i = 0; i < 500; ++i) ASSERT_TRUE(Write(10, i % 8).ok());
  EXPECT_LE(store_->stats().bytes, 64u * 4096);
  for (int run = 0; run < 2; ++run) {
    const std::vector<uint64_t> kept = ReadSeqs();
    EXPECT_EQ(GoneRecords() + kept.size(), 5003u);
    EXPECT_THAT(std::vector<uint64_t>(kept.begin(), kept.begin() + 3), ElementsAre(1, 2, 3));
    if (run == 0) Open();
  }
  EXPECT_THAT(store_->findings(), IsEmpty());
}

TEST_F(SegmentStoreTest, WhenNothingIsLeftToGiveUpTombstonesMerge) {
  Open(/*max_bytes=*/64 * 4096, /*segment_bytes=*/2 * 4096);
  for (int i = 0; i < 3000; ++i) ASSERT_TRUE(Write(2, i % 2 == 0 ? 7 : 0).ok());
  EXPECT_LE(store_->stats().bytes, 64u * 4096);
  const std::vector<uint64_t> kept = ReadSeqs();
  EXPECT_EQ(GoneRecords() + kept.size(), 6000u);
}

TEST_F(SegmentStoreTest, OfWhatTheCollectorGotBeforeItWasGivenUpNothingIsTold) {
  Open();
  for (int i = 0; i < 40; ++i) ASSERT_TRUE(Write(10, 7).ok());
  ReadSeqs();
  ASSERT_THAT(gone_, SizeIs(1));
  const uint64_t last = GoneRecords();  // the first records, in one piece
  EXPECT_THAT(ReadSeqs({store_->epoch(), last - 2}), testing::Contains(last + 1));
  EXPECT_EQ(gone_[0], "gone " + std::to_string(last - 1) + "-" + std::to_string(last) +
                          " x2: spool_quota boot");
  ReadSeqs({store_->epoch(), last});
  EXPECT_THAT(gone_, IsEmpty());
}

TEST_F(SegmentStoreTest, WhatIsAcknowledgedIsNotShedAndWhatIsShedIsAcknowledgedLikeARecord) {
  Open();
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(Write(10, 7).ok());
  store_->Acknowledge({store_->epoch(), 4});
  for (int i = 0; i < 90; ++i) ASSERT_TRUE(Write(10, 7).ok());
  const std::vector<uint64_t> kept = ReadSeqs(store_->acknowledged());
  EXPECT_EQ(4 + GoneRecords() + kept.size(), 1000u);
  store_->Acknowledge(last_);
  EXPECT_EQ(store_->stats().pending_records, 0u);
  EXPECT_FALSE(store_->HasAfter(last_));
}

TEST_F(SegmentStoreTest, AFullDiskGivesUpRecordsAndSaysSo) {
  Open(/*max_bytes=*/1 << 20, /*segment_bytes=*/8192);
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(Write(5, 6).ok());
  disk_.SetCapacity(disk_.UsedBytes());  // not a byte more
  for (int i = 0; i < 7; ++i) ASSERT_TRUE(Write(5, 2).ok());
  const std::vector<uint64_t> kept = ReadSeqs();
  EXPECT_EQ(GoneRecords() + kept.size(), 85u);
  ASSERT_THAT(gone_, testing::Not(IsEmpty()));
  EXPECT_THAT(gone_[0], testing::StartsWith("gone 1-"));
  EXPECT_THAT(gone_[0], testing::HasSubstr(": spool_disk_full 6:"));
  EXPECT_EQ(kept.back(), 85u);
  Open(/*max_bytes=*/1 << 20, /*segment_bytes=*/8192);
  EXPECT_EQ(ReadSeqs(), kept);
}

TEST_F(SegmentStoreTest, ADiskFilledByOthersCostsAPartOfTheSpoolOnly) {
  Open(/*max_bytes=*/1 << 20, /*segment_bytes=*/8192);
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(Write(5).ok());
  disk_.SetCapacity(0);  // whatever is freed, somebody else takes it
  const std::vector<OutRecord> group = {
      {{store_->epoch(), 501}, 2, BytesOf({store_->epoch(), 501})}};
  for (int i = 0; i < 20 && store_->Write(group).ok(); ++i) continue;
  EXPECT_GT(ReadSeqs().size(), 400u);
}

TEST_F(SegmentStoreTest, ADamagedRecordCostsItselfAndIsReportedInItsPlace) {
  Open();
  ASSERT_TRUE(Write(5).ok());
  disk_.FlipBit(SegmentWith(1), InRecord(3));
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT(ReadSeqs(), ElementsAre(1, 2, 4, 5));
    EXPECT_THAT(gone_, ElementsAre("gone 3-3 x1: spool_corrupt boot"));
  }
  EXPECT_EQ(store_->stats().corrupt, 1u);
  // Found at recovery, it is reported just so.
  Open();
  EXPECT_THAT(ReadSeqs(), ElementsAre(1, 2, 4, 5));
  EXPECT_THAT(gone_, ElementsAre("gone 3-3 x1: spool_corrupt boot"));
  EXPECT_EQ(store_->stats().corrupt, 1u);
  EXPECT_THAT(*disk_.List("/spool/quarantine"), SizeIs(1));
}

TEST_F(SegmentStoreTest, DamageAtTheEndOfASegmentIsReported) {
  Open();
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(Write(5).ok());
  store_->Close();
  disk_.FlipBit(SegmentWith(1), disk_.Contents(SegmentWith(1)).size() - 10);
  EXPECT_THAT(ReadSeqs(), SizeIs(24));
  EXPECT_THAT(gone_, ElementsAre("gone 15-15 x1: spool_corrupt boot"));
  Open();
  EXPECT_THAT(ReadSeqs(), SizeIs(24));
  EXPECT_THAT(gone_, ElementsAre("gone 15-15 x1: spool_corrupt boot"));
}

TEST_F(SegmentStoreTest, TheLastRecordIsMissedToo) {
  Open();
  ASSERT_TRUE(Write(5).ok());
  store_->Close();
  disk_.FlipBit(SegmentWith(1), disk_.Contents(SegmentWith(1)).size() - 10);
  for (int run = 0; run < 2; ++run) {
    EXPECT_THAT(ReadSeqs(), ElementsAre(1, 2, 3, 4));
    EXPECT_THAT(gone_, ElementsAre("gone 5-5 x1: spool_corrupt boot"));
    Open();
  }
  ASSERT_TRUE(Write(2).ok());
  EXPECT_THAT(ReadSeqs(), ElementsAre(1, 2, 3, 4, 1, 2));
  EXPECT_THAT(gone_, SizeIs(1));
}

TEST_F(SegmentStoreTest, AnUnreadableSegmentIsReportedAndTheRestIsRead) {
  for (const uint64_t damaged : {1, 2, 3}) {
    Open();
    for (int i = 0; i < 9; ++i) ASSERT_TRUE(Write(5).ok());
    const uint64_t before = last_.seq;
    disk_.SetContents(SegmentWith(damaged), "nothing like a log, and long enough to tell");
    const std::vector<uint64_t> seqs = ReadSeqs();
    EXPECT_EQ(seqs.size() + GoneRecords(), before) << damaged;
    Open();
    EXPECT_EQ(store_->stats().quarantined, 1u);
    EXPECT_TRUE(disk_.Exists(SegmentPath("/spool/quarantine", {damaged, 0})));
    EXPECT_EQ(ReadSeqs(), seqs) << damaged;
    EXPECT_EQ(seqs.size() + GoneRecords(), before) << damaged;
    store_.reset();
    disk_.Clear();
  }
}

TEST_F(SegmentStoreTest, AReadErrorOfTheDiskCostsTheSegmentOnly) {
  Open();
  for (int i = 0; i < 9; ++i) ASSERT_TRUE(Write(5).ok());
  disk_.FailNext(FileOperation::kRead, absl::DataLossError("EIO"));
  const std::vector<uint64_t> seqs = ReadSeqs();
  EXPECT_THAT(gone_, SizeIs(1));
  EXPECT_EQ(seqs.size() + GoneRecords(), 45u);
  EXPECT_EQ(seqs.back(), 45u);
}

TEST_F(SegmentStoreTest, TheChainGoesOnOverRunsAndFailedSyncs) {
  for (int run = 0; run < 3; ++run) {
    Open();
    ASSERT_TRUE(Write(12).ok());
    disk_.FailNext(FileOperation::kSync, absl::DataLossError("EIO"));
    ASSERT_TRUE(Write(7).ok());
    EXPECT_THAT(store_->findings(), IsEmpty());
  }
  EXPECT_THAT(ReadAll(), SizeIs(57));
  EXPECT_THAT(gone_, IsEmpty());
}

TEST_F(SegmentStoreTest, ASegmentIsReservedWhenItBeginsAndTrimmedWhenItEnds) {
  Open();
  ASSERT_TRUE(Write(1).ok());
  EXPECT_EQ(disk_.Contents(SegmentWith(1)).size(), 4u * 4096);
  store_->Close();
  EXPECT_LT(disk_.Contents(SegmentWith(1)).size(), 2u * kStoredBytes);
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

TEST_F(SegmentStoreTest, ADirectoryRestoredFromACopyTakesAnEpochOfItsOwn) {
  Open();
  ASSERT_TRUE(Write(1).ok());
  store_.reset();
  const std::unique_ptr<MemoryFileSystem> copy = disk_.Clone();
  const uint64_t epoch = Open().epoch();
  auto restored = SegmentStore::Open({kDir}, *copy);
  ASSERT_TRUE(restored.ok());
  EXPECT_NE((*restored)->epoch(), epoch);
}

TEST_F(SegmentStoreTest, AStateFileThatIsDamagedIsNotBelieved) {
  ASSERT_TRUE(WriteStateFile(disk_, "/spool/words", {"7", "a8"}, true).ok());
  EXPECT_THAT(*ReadStateFile(disk_, "/spool/words", 2), ElementsAre("7", "a8"));
  EXPECT_EQ(ReadStateFile(disk_, "/spool/words", 1).status().code(), absl::StatusCode::kDataLoss);
  disk_.FlipBit("/spool/words", 0);
  EXPECT_EQ(ReadStateFile(disk_, "/spool/words", 2).status().code(), absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace vakt
