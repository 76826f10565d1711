// SPDX-License-Identifier: Apache-2.0
#include "agent/uplink/uplink_session.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "agent/uplink/batch_encoder.h"
#include "agent/uplink/failure_text.h"
#include "common/base/backoff.h"

namespace vakt {
namespace {

using Send = UplinkSession::Send;

constexpr uint64_t kEpoch = 7;

v1::CollectorMessage Welcome(Position stored) {
  v1::CollectorMessage message;
  message.mutable_welcome()->mutable_stored()->set_epoch(stored.epoch);
  message.mutable_welcome()->mutable_stored()->set_seq(stored.seq);
  return message;
}

v1::CollectorMessage Ack(Position stored) {
  v1::CollectorMessage message;
  message.mutable_ack()->mutable_stored()->set_epoch(stored.epoch);
  message.mutable_ack()->mutable_stored()->set_seq(stored.seq);
  return message;
}

class UplinkSessionTest : public ::testing::Test {
 protected:
  void GetWelcome(Position stored) {
    session_.OnHelloSent();
    ASSERT_TRUE(session_.OnMessage(Welcome(stored), now_).ok());
    session_.OnHeartbeatSent(now_);
  }

  absl::Duration now_ = absl::Seconds(1000);
  UplinkSession session_{{.window_batches = 2}, {kEpoch, 10}, /*newest=*/{kEpoch, 50}, now_};
};

TEST_F(UplinkSessionTest, HelloComesFirstAndNothingBeforeWelcome) {
  EXPECT_EQ(session_.Next(now_, true), Send::kHello);
  session_.OnHelloSent();
  EXPECT_EQ(session_.Next(now_, true), Send::kNothing);
  ASSERT_TRUE(session_.OnMessage(Welcome({kEpoch, 10}), now_).ok());
  EXPECT_EQ(session_.Next(now_, true), Send::kHeartbeat);  // the first tells the node's state
  session_.OnHeartbeatSent(now_);
  EXPECT_EQ(session_.Next(now_, true), Send::kBatch);
  EXPECT_EQ(session_.Next(now_, false), Send::kNothing);
}

TEST_F(UplinkSessionTest, GoesOnWhereTheCollectorSays) {
  GetWelcome({kEpoch, 25});
  EXPECT_EQ(session_.read_after(), (Position{kEpoch, 25}));
  EXPECT_EQ(session_.acknowledged(), (Position{kEpoch, 25}));
}

TEST_F(UplinkSessionTest, ACollectorThatLostRecordsIsOfferedThemAgain) {
  GetWelcome({kEpoch, 3});
  EXPECT_EQ(session_.read_after(), (Position{kEpoch, 3}));
  EXPECT_EQ(session_.acknowledged(), (Position{kEpoch, 10}));
}

TEST_F(UplinkSessionTest, AResumePointOfAnotherSpoolIsNotBelieved) {
  GetWelcome({kEpoch, 51});
  EXPECT_EQ(session_.read_after(), (Position{kEpoch, 10}));
  EXPECT_EQ(session_.acknowledged(), (Position{kEpoch, 10}));
}

TEST_F(UplinkSessionTest, KeepsAWindowOfBatchesInFlight) {
  GetWelcome({kEpoch, 10});
  session_.OnBatchSent({kEpoch, 20}, 10, now_);
  EXPECT_EQ(session_.Next(now_, true), Send::kBatch);
  session_.OnBatchSent({kEpoch, 30}, 10, now_);
  EXPECT_EQ(session_.Next(now_, true), Send::kNothing);
  ASSERT_TRUE(session_.OnMessage(Ack({kEpoch, 19}), now_).ok());  // a part of the first
  EXPECT_EQ(session_.Next(now_, true), Send::kNothing);
  EXPECT_EQ(session_.acknowledged(), (Position{kEpoch, 19}));
  ASSERT_TRUE(session_.OnMessage(Ack({kEpoch, 20}), now_).ok());
  EXPECT_EQ(session_.Next(now_, true), Send::kBatch);
  EXPECT_EQ(session_.acknowledged_records(), 10u);
  ASSERT_TRUE(session_.OnMessage(Ack({kEpoch, 30}), now_).ok());
  EXPECT_EQ(session_.acknowledged_records(), 20u);
  EXPECT_EQ(session_.batches_in_flight(), 0u);
}

TEST_F(UplinkSessionTest, AnAckOfTheUnsentEndsTheStream) {
  GetWelcome({kEpoch, 10});
  session_.OnBatchSent({kEpoch, 20}, 10, now_);
  EXPECT_EQ(session_.OnMessage(Ack({kEpoch, 51}), now_).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(session_.acknowledged(), (Position{kEpoch, 10}));
  session_.OnBatchSent({kEpoch, 60}, 10, now_);
  EXPECT_TRUE(session_.OnMessage(Ack({kEpoch, 51}), now_).ok());
}

// The collector may still have been storing what the last stream brought when this one began.
TEST_F(UplinkSessionTest, WhatAnEarlierStreamSentNeedsNoSecondSending) {
  GetWelcome({kEpoch, 10});
  session_.OnBatchSent({kEpoch, 20}, 10, now_);
  ASSERT_TRUE(session_.OnMessage(Ack({kEpoch, 40}), now_).ok());
  EXPECT_EQ(session_.batches_in_flight(), 0u);
  EXPECT_EQ(session_.read_after(), (Position{kEpoch, 40}));
}

TEST_F(UplinkSessionTest, AnAckNeverMovesBack) {
  GetWelcome({kEpoch, 10});
  session_.OnBatchSent({kEpoch, 20}, 10, now_);
  ASSERT_TRUE(session_.OnMessage(Ack({kEpoch, 4}), now_).ok());
  EXPECT_EQ(session_.acknowledged(), (Position{kEpoch, 10}));
}

TEST_F(UplinkSessionTest, ProtocolErrorsEndTheStream) {
  EXPECT_FALSE(session_.OnMessage(Ack({kEpoch, 1}), now_).ok());
  GetWelcome({kEpoch, 10});
  EXPECT_FALSE(session_.OnMessage(Welcome({kEpoch, 10}), now_).ok());
  EXPECT_TRUE(session_.OnMessage(v1::CollectorMessage(), now_).ok());  // a later version's
}

TEST_F(UplinkSessionTest, HeartbeatsComeAtTheirInterval) {
  GetWelcome({kEpoch, 10});
  EXPECT_EQ(session_.deadline(), now_ + absl::Seconds(10));
  EXPECT_EQ(session_.Next(now_ + absl::Seconds(9), false), Send::kNothing);
  EXPECT_EQ(session_.Next(now_ + absl::Seconds(10), false), Send::kHeartbeat);
  EXPECT_EQ(session_.Next(now_ + absl::Seconds(10), true), Send::kHeartbeat);
}

TEST_F(UplinkSessionTest, ASilentCollectorIsGivenUp) {
  EXPECT_TRUE(session_.CheckTimeouts(now_ + absl::Seconds(19)).ok());
  EXPECT_FALSE(session_.CheckTimeouts(now_ + absl::Seconds(20)).ok());
  GetWelcome({kEpoch, 10});
  EXPECT_TRUE(session_.CheckTimeouts(now_ + absl::Hours(1)).ok());  // nothing is asked of it
  session_.OnBatchSent({kEpoch, 20}, 10, now_ + absl::Hours(1));
  now_ += absl::Hours(1);
  EXPECT_TRUE(session_.CheckTimeouts(now_ + absl::Seconds(59)).ok());
  EXPECT_FALSE(session_.CheckTimeouts(now_ + absl::Seconds(60)).ok());
  session_.OnBatchSent({kEpoch, 30}, 10, now_ + absl::Seconds(50));
  ASSERT_TRUE(session_.OnMessage(Ack({kEpoch, 20}), now_ + absl::Seconds(55)).ok());
  EXPECT_TRUE(session_.CheckTimeouts(now_ + absl::Seconds(114)).ok());  // progress counts
  EXPECT_FALSE(session_.CheckTimeouts(now_ + absl::Seconds(115)).ok());
}

TEST(BackoffTest, IsRandomUpToADoublingLimit) {
  Backoff backoff(absl::Milliseconds(200), absl::Seconds(30));
  absl::Duration limit = absl::Milliseconds(200);
  for (int i = 0; i < 12; ++i) {
    EXPECT_EQ(backoff.limit(), std::min(limit, absl::Seconds(30)));
    const absl::Duration delay = backoff.Next();
    EXPECT_GE(delay, absl::ZeroDuration());
    EXPECT_LE(delay, limit);
    limit *= 2;
  }
  backoff.Reset();
  EXPECT_LE(backoff.Next(), absl::Milliseconds(200));
}

TEST(BatchEncoderTest, GivesTheBytesOfTheMessage) {
  for (const size_t size : {0, 1, 127, 128, 300, 20'000}) {
    std::vector<OutRecord> records;
    v1::AgentMessage expected;
    for (int i = 0; i < 3; ++i) {
      records.push_back({{1, 1}, 2, std::string(size + i, 'r')});
      expected.mutable_batch()->add_records(records.back().bytes);
    }
    ChainSpan chain;
    expected.mutable_batch()->mutable_last()->set_epoch(1);
    expected.mutable_batch()->mutable_last()->set_seq(1);
    chain.after.fill(7);
    expected.mutable_batch()->set_chain_after(std::string(AsBytes(chain.after)));
    EXPECT_EQ(EncodeBatch(records, chain), expected.SerializeAsString()) << size;
    chain.before.emplace().fill(6);
    expected.mutable_batch()->set_chain_before(std::string(AsBytes(*chain.before)));
    EXPECT_EQ(EncodeBatch(records, chain), expected.SerializeAsString()) << size;
  }
}

TEST(FailureTextTest, SaysWhatAndWhere) {
  EXPECT_EQ(FailureText("c:1", grpc::Status(grpc::StatusCode::UNAVAILABLE,
                                            "failed to connect to all addresses; last error: "
                                            "UNKNOWN: Failed to connect to remote host: Connection "
                                            "refused")),
            "collector c:1: connection refused");
  EXPECT_EQ(FailureText("c:1", grpc::Status(grpc::StatusCode::PERMISSION_DENIED, "not node a")),
            "collector c:1: permission denied: not node a");
  EXPECT_EQ(FailureText("c:1", grpc::Status::OK), "collector c:1: the collector ended the stream");
}

}  // namespace
}  // namespace vakt
