// SPDX-License-Identifier: Apache-2.0
#include "collector/store/batch_parts.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tests/unit/collector/store/store_fixture.h"

namespace vakt {
namespace {

constexpr int64_t kCount = 300;

RecordBatch MakeBatch(uint64_t first, std::optional<ChainHash> before) {
  RecordBatch batch;
  for (uint64_t seq = first; seq < first + kCount; ++seq) {
    batch.rows.push_back(ToRecordRow(MakeAlertRecord({.seq = seq}).SerializeAsString()).value());
  }
  batch.before = before;
  ComputeChain(&batch);
  batch.after = batch.rows.back().chain;
  return batch;
}

// What the parts say of the chain is what the store asks of batches.
void ExpectChained(const RecordBatch& whole, const std::vector<RecordBatch>& parts) {
  std::optional<ChainEnd> end = ChainEnd{.hash = *whole.before};
  for (const RecordBatch& part : parts) {
    EXPECT_EQ(CheckBatch(*end, part), ChainBreak::kNone);
    end = EndAfter(end, part);
    ASSERT_TRUE(end.has_value());
  }
  EXPECT_EQ(end->hash, *whole.after);
}

TEST(BatchPartsTest, PartsHoldAllRowsInOrderAndContinueTheChain) {
  const RecordBatch whole = MakeBatch(1, ChainHash{});
  const std::vector<RecordBatch> parts = SplitBatch(whole, BytesOf(whole) / 7);
  EXPECT_GE(parts.size(), 6u);
  int64_t seq = 0;
  for (const RecordBatch& part : parts) {
    EXPECT_LT(BytesOf(part), BytesOf(whole) / 6);
    for (const RecordRow& row : part.rows) EXPECT_EQ(row.seq, ++seq);
  }
  EXPECT_EQ(seq, kCount);
  ExpectChained(whole, parts);
}

TEST(BatchPartsTest, ASmallOneIsOnePart) {
  RecordBatch whole = MakeBatch(1, ChainHash{});
  whole.strays.push_back({.bytes = "x", .reason = "y"});
  const std::vector<RecordBatch> parts = SplitBatch(whole, BytesOf(whole) + 1);
  ASSERT_EQ(parts.size(), 1u);
  EXPECT_EQ(parts[0].strays.size(), 1u);
  EXPECT_EQ(parts[0].before, whole.before);
  EXPECT_EQ(parts[0].after, whole.after);
}

TEST(BatchPartsTest, OneWithoutAChainStaysWithout) {
  RecordBatch whole = MakeBatch(1, std::nullopt);
  for (const RecordBatch& part : SplitBatch(whole, 1)) {
    EXPECT_EQ(part.rows.size(), 1u);
    EXPECT_FALSE(part.before.has_value());
    EXPECT_FALSE(part.after.has_value());
  }
}

TEST(BatchPartsTest, BehindARecordThatCannotBeTakenItIsNotCut) {
  RecordBatch whole = MakeBatch(1, ChainHash{});
  whole.rows[10].malformed.push_back({.bytes = "x", .reason = "y"});
  ComputeChain(&whole);
  const std::vector<RecordBatch> parts = SplitBatch(whole, 1);
  ASSERT_EQ(parts.size(), 11u);
  EXPECT_EQ(parts.back().rows.size(), static_cast<size_t>(kCount) - 10);
  ExpectChained(whole, parts);
}

// Through the store: what breaks the chain is told once, and all is stored.
class BatchPartsStoreTest : public StoreFixture {
 protected:
  void SetUp() override { Open(); }
};

TEST_F(BatchPartsStoreTest, ALargeBatchIsStoredAndAnsweredOnce) {
  const Registration node = Register();
  int answers = 0;
  absl::Notification done;
  const RecordBatch whole = MakeBatch(1, ChainHash{});
  ASSERT_GT(SplitBatch(whole, 64 << 10).size(), 2u);
  store_->Append(node.stream, whole, [&](const absl::Status& status) {
    EXPECT_TRUE(status.ok()) << status;
    ++answers;
    done.Notify();
  });
  done.WaitForNotification();
  EXPECT_EQ(store_->last_id(), kCount);
  EXPECT_EQ(store_->chain_breaks(), 0u);
  // Another stream in its place, whose parts are consistent in themselves.
  absl::Notification again;
  store_->Append(node.stream, MakeBatch(kCount + 1, ChainHash{1}),
                 [&](const absl::Status&) { again.Notify(); });
  again.WaitForNotification();
  EXPECT_EQ(store_->chain_breaks(), 1u);
  EXPECT_EQ(answers, 1);
}

TEST_F(BatchPartsStoreTest, WhenAPartFailsTheBatchHasFailedForThatReason) {
  options_.max_bytes = 1 << 20;
  Open();
  const Registration node = Register();
  absl::Status outcome;
  for (uint64_t first = 1; outcome.ok() && first < 100 * kCount; first += kCount) {
    absl::Notification done;
    store_->Append(node.stream, MakeBatch(first, std::nullopt), [&](const absl::Status& status) {
      outcome = status;
      done.Notify();
    });
    done.WaitForNotification();
  }
  // Not what its last part says: that an earlier one was not stored.
  EXPECT_TRUE(absl::IsResourceExhausted(outcome)) << outcome;
  EXPECT_TRUE(node.stream->failed);
}

}  // namespace
}  // namespace vakt
