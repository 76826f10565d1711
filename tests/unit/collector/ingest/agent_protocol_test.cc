// SPDX-License-Identifier: Apache-2.0
#include "collector/ingest/agent_protocol.h"

#include <gmock/gmock.h>
#include <google/protobuf/stubs/logging.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/base/status.h"
#include "tests/support/sample_records.h"

namespace vakt {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kGarbage[] = "\xff\xff";

class AgentProtocolTest : public ::testing::Test {
 protected:
  AgentProtocolTest() : protocol_("n1", {}) {
    google::protobuf::SetLogHandler(nullptr);
    v1::Hello hello;
    hello.set_node("n1");
    hello.set_boot_id(kSampleBootId);
    hello.set_epoch(1000);
    EXPECT_TRUE(protocol_.TakeHello(hello).ok());
  }

  static std::string Alert(uint64_t seq, uint64_t epoch = 1000) {
    return MakeAlertRecord({.epoch = epoch, .seq = seq}).SerializeAsString();
  }
  absl::StatusOr<TakenBatch> Take(const std::vector<std::string>& records, uint64_t last = 0) {
    v1::Batch batch;
    for (const std::string& record : records) batch.add_records(record);
    if (last != 0) {
      batch.mutable_last()->set_epoch(1000);
      batch.mutable_last()->set_seq(last);
    }
    return protocol_.TakeBatch(&batch, 1'000'000'000);
  }
  static std::vector<int64_t> Seqs(const TakenBatch& taken) {
    std::vector<int64_t> seqs;
    for (const RecordRow& row : taken.batch.rows) seqs.push_back(row.seq);
    return seqs;
  }

  AgentProtocol protocol_;
};

TEST_F(AgentProtocolTest, GoodRecordsPassUnchanged) {
  const auto taken = Take({Alert(1), Alert(2)});
  ASSERT_TRUE(taken.ok()) << taken.status();
  EXPECT_EQ(taken->batch.rows[1].bytes, Alert(2));
  EXPECT_EQ(taken->last.epoch(), 1000u);
  EXPECT_EQ(taken->last.seq(), 2u);
  EXPECT_EQ(taken->malformed, 0u);
}

TEST_F(AgentProtocolTest, AGapStandsForWhatLiesBetween) {
  const auto taken = Take({Alert(1), kGarbage, kGarbage, Alert(4)});
  ASSERT_TRUE(taken.ok()) << taken.status();
  EXPECT_THAT(Seqs(*taken), ElementsAre(1, 3, 4));
  EXPECT_EQ(taken->batch.rows[1].first_seq, 2);
  ASSERT_EQ(taken->batch.rows[1].malformed.size(), 2u);
  EXPECT_EQ(taken->batch.rows[1].malformed[0].bytes, kGarbage);
  EXPECT_EQ(taken->malformed, 2u);
  EXPECT_THAT(taken->reason, HasSubstr("Batch.records[1]: not an encoded"));
}

TEST_F(AgentProtocolTest, TheBytesOfARecordWithAForeignPositionAreKept) {
  const auto taken = Take({Alert(1), Alert(9, 1001), Alert(3)});
  ASSERT_TRUE(taken.ok()) << taken.status();
  EXPECT_THAT(Seqs(*taken), ElementsAre(1, 2, 3));
  EXPECT_EQ(taken->batch.rows[1].malformed[0].bytes, Alert(9, 1001));
  EXPECT_THAT(taken->reason, HasSubstr("epoch 1001 is newer than Hello's 1000"));
}

TEST_F(AgentProtocolTest, GoesOnWhereTheStoreHasTheStream) {
  protocol_.SetStored({kSampleBootId, 1000, 7});
  const auto first = Take({kGarbage, kGarbage});
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_THAT(Seqs(*first), ElementsAre(9));
  EXPECT_EQ(first->batch.rows[0].first_seq, 8);
  EXPECT_EQ(first->last.seq(), 9u);
  const auto second = Take({kGarbage, Alert(11)});
  EXPECT_THAT(Seqs(*second), ElementsAre(10, 11));
}

TEST_F(AgentProtocolTest, BelievesTheAgentWhereItsBatchEnds) {
  const auto taken = Take({kGarbage}, 5);
  ASSERT_TRUE(taken.ok()) << taken.status();
  EXPECT_EQ(taken->last.seq(), 5u);
  EXPECT_EQ(taken->batch.rows[0].boot_id, kSampleBootId);
  // But not against what can be read.
  const auto behind = Take({Alert(6), kGarbage}, 3);
  EXPECT_EQ(behind->last.seq(), 7u);
  const auto ahead = Take({Alert(8)}, 100);
  EXPECT_EQ(ahead->last.seq(), 8u);
}

TEST_F(AgentProtocolTest, WhatHasNoPlaceLeavesNoHole) {
  const auto taken = Take({Alert(1), kGarbage, Alert(2)});
  ASSERT_TRUE(taken.ok()) << taken.status();
  EXPECT_THAT(Seqs(*taken), ElementsAre(1, 2));
  ASSERT_EQ(taken->batch.strays.size(), 1u);
  EXPECT_EQ(taken->malformed, 1u);
}

TEST_F(AgentProtocolTest, ATombstoneCoversItsWholeRange) {
  v1::Record tombstone = MakeGapRecord({.seq = 9}, 4);
  tombstone.mutable_gap()->set_first_seq(6);
  tombstone.mutable_gap()->set_last_seq(9);
  tombstone.mutable_gap()->set_chain_after(std::string(32, 'h'));
  const auto taken = Take({Alert(4), kGarbage, tombstone.SerializeAsString()});
  ASSERT_TRUE(taken.ok()) << taken.status();
  EXPECT_THAT(Seqs(*taken), ElementsAre(4, 5, 9));
}

TEST_F(AgentProtocolTest, NothingIsAcknowledgedWhenNothingIsKnown) {
  const auto taken = Take({kGarbage});
  EXPECT_EQ(taken.status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(AgentProtocolTest, TheChainIsNotComparedBehindIt) {
  v1::Batch batch;
  const ChainHash before = {1}, after = {2};
  for (const std::string& record : {Alert(1), std::string(kGarbage), Alert(3)}) {
    batch.add_records(record);
  }
  batch.set_chain_before(std::string(AsBytes(before)));
  batch.set_chain_after(std::string(AsBytes(after)));
  const auto taken = protocol_.TakeBatch(&batch, 0);
  ASSERT_TRUE(taken.ok()) << taken.status();
  EXPECT_TRUE(taken->batch.rows[0].chain.has_value());
  EXPECT_FALSE(taken->batch.rows[2].chain.has_value());
  const ChainEnd here = {.epoch = 999, .seq = 1, .hash = before};
  EXPECT_EQ(CheckBatch(here, taken->batch), ChainBreak::kNone);
  // Sent again, in whatever pieces: no false alarm.
  EXPECT_EQ(CheckBatch({1000, 2, after}, taken->batch), ChainBreak::kNone);
  EXPECT_EQ(CheckBatch({1000, 3, {9}}, taken->batch), ChainBreak::kNone);
  EXPECT_EQ(EndAfter(here, taken->batch)->hash, after);
}

}  // namespace
}  // namespace vakt
