// SPDX-License-Identifier: Apache-2.0
// A node's stream against what is stored of it, by its hash chain.
#include "collector/store/node_chain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "tests/unit/collector/store/store_fixture.h"

namespace vakt {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// An agent's spool as the collector sees it: records, and the hash before each.
class Stream {
 public:
  explicit Stream(std::string flavour = "", uint64_t epoch = 1000)
      : flavour_(std::move(flavour)), epoch_(epoch) {}

  void Extend(uint64_t count) {
    for (uint64_t i = 0; i < count; ++i) {
      const uint64_t seq = records_.size() + 1;
      Add(MakeAlertRecord({.epoch = epoch_, .seq = seq}, {.output = "alert " + flavour_}));
    }
  }
  // A tombstone for [first, last], which continues the chain of `original`.
  void Shed(const Stream& original, uint64_t first, uint64_t last) {
    v1::Record record = MakeGapRecord({.epoch = epoch_, .seq = last}, last - first + 1);
    record.mutable_gap()->set_class_(v1::Gap::CLASS_SHED);
    record.mutable_gap()->set_first_seq(first);
    record.mutable_gap()->set_last_seq(last);
    const ChainHash after = original.hashes_[last];
    record.mutable_gap()->set_chain_after(std::string(AsBytes(after)));
    rows_.push_back(ToRecordRow(record.SerializeAsString()).value());
    records_.push_back(record);
    hashes_.push_back(after);
  }

  // The records [first, last], counted from 1, as one batch.
  RecordBatch Batch(size_t first, size_t last) const {
    RecordBatch batch;
    batch.rows.assign(rows_.begin() + static_cast<std::ptrdiff_t>(first) - 1,
                      rows_.begin() + static_cast<std::ptrdiff_t>(last));
    batch.before = hashes_[first - 1];
    batch.after = hashes_[last];
    ComputeChain(&batch);
    return batch;
  }
  v1::ChainPoint Head() const {
    v1::ChainPoint head;
    if (!rows_.empty()) {
      head.mutable_position()->set_epoch(epoch_);
      head.mutable_position()->set_seq(static_cast<uint64_t>(rows_.back().seq));
    }
    head.set_hash(std::string(AsBytes(hashes_.back())));
    return head;
  }

 private:
  void Add(const v1::Record& record) {
    records_.push_back(record);
    rows_.push_back(ToRecordRow(record.SerializeAsString()).value());
    hashes_.push_back(NextChainHash(
        hashes_.back(), {epoch_, record.seq(), static_cast<uint8_t>(record.alert().priority()),
                         rows_.back().bytes}));
  }

  const std::string flavour_;
  const uint64_t epoch_;
  std::vector<v1::Record> records_;
  std::vector<RecordRow> rows_;
  std::vector<ChainHash> hashes_ = {ChainHash{}};
};

class NodeChainTest : public StoreFixture {
 protected:
  void SetUp() override { Open(); }

  Registration Hello(const v1::ChainPoint& head, uint64_t epoch = 1000) {
    v1::Hello hello;
    hello.set_node("n1");
    hello.set_boot_id(kSampleBootId);
    hello.set_epoch(epoch);
    *hello.mutable_head() = head;
    Registration out;
    absl::Notification done;
    store_->RegisterNode({"c1", "n1"}, hello, [&](absl::StatusOr<Registration> registration) {
      out = std::move(registration).value();
      done.Notify();
    });
    done.WaitForNotification();
    return out;
  }
  void Send(const Registration& node, RecordBatch batch) {
    absl::Notification done;
    store_->Append(node.stream, std::move(batch), [&](const absl::Status& status) {
      EXPECT_TRUE(status.ok()) << status;
      done.Notify();
    });
    done.WaitForNotification();
  }
  // The rules of the alerts that the collector raised itself.
  std::vector<std::string> Raised() {
    std::vector<std::string> rules;
    for (const v1::StoredRecord& stored : Read()) {
      const v1::Alert& alert = stored.record().alert();
      if (alert.source() != kOwnSource) continue;
      EXPECT_EQ(stored.node(), "n1");
      EXPECT_FALSE(alert.uid().empty());
      rules.push_back(alert.rule());
    }
    EXPECT_EQ(store_->chain_breaks(), rules.size());
    return rules;
  }
  size_t Received() { return Read().size() - Raised().size(); }
  static std::string RuleOf(OwnAlert id) { return std::string(RowOf(id).rule); }
};

TEST_F(NodeChainTest, AStreamThatGoesOnRaisesNothing) {
  Stream stream;
  stream.Extend(20);
  Registration node = Hello(Stream().Head());
  Send(node, stream.Batch(1, 8));
  Send(node, stream.Batch(9, 9));
  node = Hello(stream.Head());
  Send(node, stream.Batch(10, 12));
  Send(node, stream.Batch(5, 14));  // some of it again: an acknowledgement was lost
  Send(node, stream.Batch(1, 3));
  Open();
  node = Hello(stream.Head(), 1001);
  Send(node, stream.Batch(15, 20));
  EXPECT_THAT(Raised(), IsEmpty());
  EXPECT_EQ(Received(), 20u);
}

TEST_F(NodeChainTest, ARolledBackSpoolIsToldAtHelloAndItsRecordsAreStoredAllTheSame) {
  Stream stream;
  stream.Extend(10);
  Stream older;
  older.Extend(4);
  Send(Hello(stream.Head()), stream.Batch(1, 10));
  Registration node = Hello(older.Head(), 1001);
  EXPECT_EQ(node.chain_break, ChainBreak::kRolledBack);
  EXPECT_THAT(Raised(), ElementsAre(RuleOf(OwnAlert::kStreamRolledBack)));
  Stream next("", 1001);
  next.Extend(2);
  Send(node, next.Batch(1, 2));
  EXPECT_THAT(Raised(), ElementsAre(RuleOf(OwnAlert::kStreamRolledBack)));  // told once
  EXPECT_EQ(Received(), 12u);
  EXPECT_EQ(store_->ListNodes()->at(0).chain_breaks(), 1u);
}

TEST_F(NodeChainTest, AnotherHeadOfTheSameLengthIsAFork) {
  Stream stream;
  stream.Extend(10);
  Send(Hello(stream.Head()), stream.Batch(1, 10));
  Stream other("written anew");
  other.Extend(10);
  EXPECT_EQ(Hello(other.Head()).chain_break, ChainBreak::kForked);
  EXPECT_THAT(Raised(), ElementsAre(RuleOf(OwnAlert::kStreamForked)));
}

TEST_F(NodeChainTest, ALongerForkIsToldByItsFirstBatch) {
  Stream stream;
  stream.Extend(10);
  Send(Hello(stream.Head()), stream.Batch(1, 10));
  Stream other("written anew");
  other.Extend(15);
  Registration node = Hello(other.Head());
  EXPECT_EQ(node.chain_break, ChainBreak::kNone);
  Send(node, other.Batch(11, 12));
  EXPECT_THAT(Raised(), ElementsAre(RuleOf(OwnAlert::kStreamForked)));
  Send(node, other.Batch(13, 15));  // continues what it is held to now
  EXPECT_EQ(Raised().size(), 1u);
}

TEST_F(NodeChainTest, AForkInsideABatchThatIsSentAgainIsTold) {
  Stream stream;
  stream.Extend(10);
  Send(Hello(stream.Head()), stream.Batch(1, 10));
  Stream other("written anew");
  other.Extend(12);
  Send(Hello(other.Head()), other.Batch(8, 12));
  EXPECT_THAT(Raised(), ElementsAre(RuleOf(OwnAlert::kStreamForked)));
}

TEST_F(NodeChainTest, LeavingOutRecordsIsAForkAndATombstoneIsNot) {
  Stream stream;
  stream.Extend(20);
  Registration node = Hello(stream.Head());
  Send(node, stream.Batch(1, 5));
  Stream shed;
  shed.Extend(5);
  shed.Shed(stream, 6, 9);
  Send(node, shed.Batch(6, 6));
  Send(node, stream.Batch(10, 11));
  EXPECT_THAT(Raised(), IsEmpty());
  Send(node, stream.Batch(15, 16));  // 12 to 14 have gone without a word
  EXPECT_THAT(Raised(), ElementsAre(RuleOf(OwnAlert::kStreamForked)));
}

TEST_F(NodeChainTest, ATombstoneMayCoverWhatIsStored) {
  Stream stream;
  stream.Extend(20);
  Registration node = Hello(stream.Head());
  Send(node, stream.Batch(1, 5));
  Stream shed;
  shed.Extend(3);
  shed.Shed(stream, 4, 9);
  RecordBatch batch = shed.Batch(4, 4);
  batch.before.reset();  // reading began within it
  ComputeChain(&batch);
  Send(node, std::move(batch));
  Send(node, stream.Batch(10, 20));
  EXPECT_THAT(Raised(), IsEmpty());
}

TEST_F(NodeChainTest, AnEmptyStateDirectoryIsToldAsSuch) {
  Stream stream;
  stream.Extend(3);
  Send(Hello(stream.Head()), stream.Batch(1, 3));
  EXPECT_EQ(Hello(Stream().Head(), 1001).chain_break, ChainBreak::kRestarted);
  EXPECT_THAT(Raised(), ElementsAre(RuleOf(OwnAlert::kStreamRestarted)));
}

TEST_F(NodeChainTest, RecordsThatTheirOwnHashDoesNotCoverAreTold) {
  Stream stream;
  stream.Extend(6);
  Registration node = Hello(stream.Head());
  RecordBatch batch = stream.Batch(1, 3);
  batch.rows[1] =
      ToRecordRow(MakeAlertRecord({.seq = 2}, {.output = "edited"}).SerializeAsString()).value();
  ComputeChain(&batch);
  Send(node, std::move(batch));
  EXPECT_THAT(Raised(), ElementsAre(RuleOf(OwnAlert::kStreamAltered)));
}

TEST_F(NodeChainTest, FallingSilentAboutTheChainIsTold) {
  Stream stream;
  stream.Extend(6);
  Registration node = Hello(stream.Head());
  Send(node, stream.Batch(1, 3));
  RecordBatch batch = stream.Batch(4, 6);
  batch.before.reset();
  batch.after.reset();
  ComputeChain(&batch);
  Send(node, std::move(batch));
  EXPECT_THAT(Raised(), ElementsAre(RuleOf(OwnAlert::kStreamUnchained)));
}

TEST_F(NodeChainTest, OwnAlertsGoOnAfterARestartAndAreListedByTheirNode) {
  const NodeKey about = {"c1", "n1"};
  Hello(Stream().Head());
  const auto raise = [&] {
    absl::Notification done;
    store_->Raise(about, MakeOwnAlert(OwnAlert::kForgedIdentity, about, "\x01", clock_.WallNs()),
                  [&](const absl::Status& status) {
                    EXPECT_TRUE(status.ok()) << status;
                    done.Notify();
                  });
    done.WaitForNotification();
  };
  raise();
  raise();
  Open();  // at the same time: the fake clock stands
  raise();
  const auto records = Read();
  ASSERT_EQ(records.size(), 3u);
  std::set<std::string> uids;
  for (const auto& stored : records) {
    EXPECT_EQ(stored.node(), "n1");
    EXPECT_EQ(stored.record().boot_id(), kOwnBootId);
    EXPECT_THAT(stored.record().alert().output(), HasSubstr("\\x01"));
    uids.insert(stored.record().alert().uid());
  }
  EXPECT_EQ(uids.size(), 3u);
  ASSERT_EQ(store_->ListNodes()->size(), 1u);  // without one for the collector itself
}

TEST(OwnAlertTest, TheTableIsInTheOrderOfItsIds) {
  for (size_t i = 0; i < AllOwnAlerts().size(); ++i) {
    EXPECT_EQ(static_cast<size_t>(AllOwnAlerts()[i].id), i);
  }
}

}  // namespace
}  // namespace vakt
