// SPDX-License-Identifier: Apache-2.0
#include "collector/store/store.h"
#include "common/base/wakeup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "common/base/status.h"
#include "tests/unit/collector/store/store_fixture.h"

namespace vakt {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class StoreTest : public StoreFixture {};

TEST_F(StoreTest, GivesBackWhatWasStored) {
  Open();
  const Registration node = Register();
  const v1::Record record = MakeAlertRecord({});
  ASSERT_TRUE(Append(node, {record}).ok());
  const auto records = Read();
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(records[0].record().SerializeAsString(), record.SerializeAsString());
  EXPECT_EQ(records[0].node(), "n1");
  EXPECT_EQ(records[0].cluster(), "c1");
  EXPECT_EQ(records[0].received().seconds(), 1'700'000'000);
  EXPECT_EQ(store_->IdOf(records[0].cursor()).value(), store_->last_id());
}

TEST_F(StoreTest, StoresOnceHoweverOftenAndInWhateverOrderSent) {
  Open();
  const Registration node = Register();
  const auto record = [](uint64_t seq) { return MakeAlertRecord({.seq = seq}); };
  ASSERT_TRUE(Append(node, {record(1), record(2), record(2)}).ok());
  ASSERT_TRUE(Append(node, {record(1), record(2), record(3)}).ok());
  ASSERT_TRUE(Append(node, {record(5), record(3), record(4), record(1)}).ok());
  EXPECT_THAT(Seqs(Read()), ElementsAre(1, 2, 3, 5, 4));
  const auto nodes = store_->ListNodes();
  ASSERT_TRUE(nodes.ok());
  EXPECT_EQ(nodes->at(0).alerts(), 5u);
  EXPECT_EQ(nodes->at(0).stored().seq(), 5u);
}

TEST_F(StoreTest, TellsRecordsOfDifferentNodesBootsAndEpochsApart) {
  Open();
  const Registration n1 = Register("n1");
  const Registration n2 = Register("n2");
  ASSERT_TRUE(Append(n1, {MakeGapRecord({}, 1), MakeGapRecord({.epoch = 999}, 2),
                          MakeGapRecord({.boot_id = "other"}, 3)})
                  .ok());
  ASSERT_TRUE(Append(n2, {MakeGapRecord({}, 4)}).ok());
  EXPECT_EQ(Read().size(), 4u);
}

TEST_F(StoreTest, KeepsEverythingWhenOpenedAgain) {
  Open();
  ASSERT_TRUE(Append(Register(), {MakeAlertRecord({.seq = 1}), MakeAlertRecord({.seq = 2})}).ok());
  const std::string cursor = Read()[0].cursor();
  Open();
  EXPECT_THAT(Seqs(Read()), ElementsAre(1, 2));
  EXPECT_EQ(store_->IdOf(cursor).value(), 1);
  const Registration again = Register();
  ASSERT_TRUE(again.stored.has_value());
  EXPECT_EQ(again.stored->epoch(), 1000u);
  EXPECT_EQ(again.stored->seq(), 2u);
  ASSERT_TRUE(Append(again, {MakeAlertRecord({.seq = 2}), MakeAlertRecord({.seq = 3})}).ok());
  EXPECT_THAT(Seqs(Read()), ElementsAre(1, 2, 3));
}

TEST_F(StoreTest, ANewNodeHasNoPosition) {
  Open();
  EXPECT_FALSE(Register().stored.has_value());
  EXPECT_FALSE(Register().stored.has_value());  // still nothing stored
}

TEST_F(StoreTest, TheNextRunOfAnAgentGoesOnWhereTheLastStopped) {
  Open();
  ASSERT_TRUE(Append(Register(), {MakeGapRecord({.seq = 8}, 1)}).ok());
  const Registration next = Register("n1", 1001, "next-boot");
  ASSERT_TRUE(next.stored.has_value());
  EXPECT_EQ(next.stored->epoch(), 1000u);
  EXPECT_EQ(next.stored->seq(), 8u);
  EXPECT_FALSE(next.discontinuity);
}

TEST_F(StoreTest, AnAgentThatStartsAgainBehindWhatIsStoredSendsAll) {
  Open();
  ASSERT_TRUE(Append(Register(), {MakeGapRecord({.seq = 8}, 1)}).ok());
  // A new state directory whose random epoch happens to be lower.
  const Registration wiped = Register("n1", 5);
  EXPECT_FALSE(wiped.stored.has_value());
  EXPECT_TRUE(wiped.discontinuity);
  // A disk restored to before epoch 1000, which comes again under another boot.
  const Registration restored = Register("n1", 1000, "next-boot");
  EXPECT_FALSE(restored.stored.has_value());
  EXPECT_TRUE(restored.discontinuity);
  // Its stream is now where the node stands, lower numbers or not.
  ASSERT_TRUE(Append(restored, {MakeGapRecord({.boot_id = "next-boot", .seq = 2}, 1)}).ok());
  const Registration next = Register("n1", 1001, "next-boot");
  ASSERT_TRUE(next.stored.has_value());
  EXPECT_EQ(next.stored->seq(), 2u);
}

TEST_F(StoreTest, ListsNodesWithTheirNewestWords) {
  Open();
  const Registration n2 = Register("n2");
  clock_.Advance(absl::Seconds(5));
  const Registration n1 = Register("n1");
  v1::Heartbeat heartbeat;
  heartbeat.set_spooled_records(17);
  absl::Notification done;
  store_->RecordHeartbeat(n2.stream, heartbeat, [&](const absl::Status& status) {
    EXPECT_TRUE(status.ok()) << status;
    done.Notify();
  });
  done.WaitForNotification();
  ASSERT_TRUE(Append(n1, {MakeGapRecord({.seq = 1}, 1), MakeAlertRecord({.seq = 2}),
                          MakeLifecycleRecord({.seq = 3})})
                  .ok());
  const auto nodes = store_->ListNodes();
  ASSERT_TRUE(nodes.ok()) << nodes.status();
  ASSERT_EQ(nodes->size(), 2u);
  EXPECT_EQ(nodes->at(0).node(), "n1");
  EXPECT_EQ(nodes->at(0).alerts(), 1u);
  EXPECT_EQ(nodes->at(0).gaps(), 1u);
  EXPECT_EQ(nodes->at(0).hello().epoch(), 1000u);
  EXPECT_FALSE(nodes->at(0).has_heartbeat());
  EXPECT_EQ(nodes->at(1).node(), "n2");
  EXPECT_EQ(nodes->at(1).heartbeat().spooled_records(), 17u);
  EXPECT_EQ(nodes->at(1).first_seen().seconds(), 1'700'000'000);
  EXPECT_EQ(nodes->at(1).last_seen().seconds(), 1'700'000'005);
  EXPECT_FALSE(nodes->at(1).has_stored());
}

TEST_F(StoreTest, FindsAnAlertByItsUid) {
  Open();
  ASSERT_TRUE(Append(Register(), {MakeAlertRecord({.seq = 1}), MakeAlertRecord({.seq = 2})}).ok());
  const auto found = store_->FindAlert(MakeAlertRecord({.seq = 2}).alert().uid());
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->record().seq(), 2u);
  EXPECT_TRUE(absl::IsNotFound(store_->FindAlert("none").status()));
}

TEST_F(StoreTest, TellsTheListenerOfEachCommitWithRecords) {
  Open();
  absl::Mutex mutex;
  std::vector<int64_t> ids;
  store_->AddCommitListener(this, [&](int64_t id) {
    absl::MutexLock lock(&mutex);
    ids.push_back(id);
  });
  ASSERT_TRUE(Append(Register(), {MakeAlertRecord({.seq = 1}), MakeAlertRecord({.seq = 2})}).ok());
  absl::MutexLock lock(&mutex);
  EXPECT_EQ(ids.back(), 2);
}

// A failed write must fail the connection's later ones: stored without it, they would move the
// node's position past records that the store does not have.
TEST_F(StoreTest, WhenFullRefusesWholeBatchesAndKeepsReading) {
  options_.max_bytes = 512 << 10;
  Open();
  const Registration node = Register();
  uint64_t seq = 0;
  uint64_t stored = 0;
  absl::Status status;
  const std::string filler(4000, 'x');
  while (status.ok() && seq < 10'000) {
    std::vector<v1::Record> batch;
    for (int i = 0; i < 10; ++i) {
      batch.push_back(MakeAlertRecord({.seq = ++seq}, {.output = filler}));
    }
    status = Append(node, batch);
    if (status.ok()) stored = seq;
  }
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
  EXPECT_GT(stored, 0u);
  EXPECT_EQ(Read().size(), stored);
  EXPECT_EQ(Append(node, {MakeGapRecord({.seq = seq + 1}, 1)}).code(), absl::StatusCode::kAborted);

  options_.max_bytes = 0;  // the operator makes room
  Open();
  const Registration again = Register();
  ASSERT_TRUE(again.stored.has_value());
  EXPECT_EQ(again.stored->seq(), stored);
  std::vector<v1::Record> rest;
  for (uint64_t next = stored + 1; next <= seq; ++next)
    rest.push_back(MakeAlertRecord({.seq = next}));
  ASSERT_TRUE(Append(again, rest).ok());
  EXPECT_EQ(Read().size(), seq);
}

// The wall clock of a collector jumps ten years ahead, and then it is started again, and the clock
// is set right: what was stored before and meanwhile is there, and the rest expires as ever.
TEST_F(StoreTest, AClockThatJumpsDeletesNothing) {
  options_.retention = absl::Hours(24 * 90);
  const auto look = [&] {  // it looks for expired records when it is opened, and commits each step
    store_.reset();
    Open();
    Wakeup commits;
    store_->AddCommitListener(this, [&](int64_t) { commits.Notify(); });
    commits.WaitPast(1, absl::Milliseconds(300));
    store_->RemoveCommitListener(this);
  };
  Open();
  ASSERT_TRUE(Append(Register(), {MakeAlertRecord({.seq = 1})}).ok());
  look();
  clock_.Set(absl::Hours(24 * 3650));
  ASSERT_TRUE(Append(Register(), {MakeAlertRecord({.seq = 2})}).ok());
  look();
  EXPECT_THAT(Seqs(Read()), ElementsAre(1, 2));
  clock_.Set(-absl::Hours(24 * 3650));
  ASSERT_TRUE(Append(Register(), {MakeAlertRecord({.seq = 3})}).ok());
  look();
  EXPECT_THAT(Seqs(Read()), ElementsAre(1, 2, 3));
}

TEST_F(StoreTest, ForgetsOldRecordsButNotThatItHadThem) {
  options_.retention = absl::Hours(1);
  Open();
  std::vector<v1::Record> records;
  for (uint64_t seq = 1; seq <= 700; ++seq) records.push_back(MakeAlertRecord({.seq = seq}));
  ASSERT_TRUE(Append(Register(), records).ok());
  clock_.Advance(absl::Minutes(61));
  ASSERT_TRUE(Append(Register(), {MakeAlertRecord({.seq = 701})}).ok());

  store_.reset();
  Open();  // looks for expired records at once; each step is a commit
  absl::Mutex mutex;
  int commits = 0;
  store_->AddCommitListener(this, [&](int64_t) {
    absl::MutexLock lock(&mutex);
    ++commits;
  });
  while (Read().size() > 1) {
    absl::MutexLock lock(&mutex);
    const int seen = commits;
    const auto another = [&] { return commits > seen; };
    mutex.AwaitWithTimeout(absl::Condition(&another), absl::Milliseconds(100));
  }
  EXPECT_THAT(Seqs(Read()), ElementsAre(701));
  store_->RemoveCommitListener(this);

  const Registration node = Register();
  EXPECT_EQ(node.stored->seq(), 701u);
  ASSERT_TRUE(Append(node, {records[5], MakeAlertRecord({.seq = 702})}).ok());
  const auto left = Read();
  EXPECT_THAT(Seqs(left), ElementsAre(701, 702));
  EXPECT_EQ(store_->IdOf(left[1].cursor()).value(), 702);  // ids are not used again
}

TEST_F(StoreTest, ClassesExpireAtAgesOfTheirOwn) {
  options_.retention = absl::Hours(10);
  options_.retention_of = {{v1::PRIORITY_DEBUG, absl::Hours(1)},
                           {v1::PRIORITY_CRITICAL, absl::Hours(100)},
                           {kRetentionClassOfNotes, absl::Hours(1)}};
  Open();
  ASSERT_TRUE(Append(Register(), {MakeAlertRecord({.seq = 1}, {.priority = v1::PRIORITY_CRITICAL}),
                                  MakeAlertRecord({.seq = 2}, {.priority = v1::PRIORITY_DEBUG}),
                                  MakeAlertRecord({.seq = 3}), MakeGapRecord({.seq = 4}, 1),
                                  MakeAlertRecord({.seq = 5}, {.priority = v1::PRIORITY_DEBUG}),
                                  MakeAlertRecord({.seq = 6})})
                  .ok());
  const auto after = [this](absl::Duration by, size_t expected) {
    clock_.Advance(by);
    Open();  // looks for expired records at once
    while (Read().size() > expected) absl::SleepFor(absl::Milliseconds(5));
    return Seqs(Read());
  };
  EXPECT_THAT(after(absl::Hours(2), 3), ElementsAre(1, 3, 6));
  EXPECT_EQ(store_->PrunedId({}).value(), 5);
  EXPECT_EQ(store_->PrunedId(RecordFilter::OfFlows({}).value()).value(), 0);
  v1::Filter of_time;  // the skipping by time must still know of what is left
  of_time.mutable_since()->set_seconds(1'600'000'000);
  EXPECT_THAT(Seqs(Read(of_time)), ElementsAre(1, 3, 6));
  EXPECT_THAT(after(absl::Hours(9), 1), ElementsAre(1));
  EXPECT_THAT(after(absl::Hours(100), 0), IsEmpty());
}

TEST_F(StoreTest, FlowsAreAskedForByThemselvesAndExpireByThemselves) {
  options_.retention = absl::Hours(1000);
  Open();
  ASSERT_TRUE(Append(Register(), {MakeAlertRecord({.seq = 1}), MakeFlowRecord({.seq = 2}),
                                  MakeGapRecord({.seq = 3}, 1), MakeFlowRecord({.seq = 4}),
                                  MakeAlertRecord({.seq = 5})})
                  .ok());
  const auto flows = [this] {
    const RecordFilter all = RecordFilter::OfFlows({}).value();
    return Seqs(store_->Scan(all, {}).value().records);
  };
  v1::Filter with_gaps;
  with_gaps.set_include_gaps(true);
  EXPECT_THAT(Seqs(Read(with_gaps)), ElementsAre(1, 3, 5));
  EXPECT_THAT(flows(), ElementsAre(2, 4));
  const RecordFilter newest = RecordFilter::OfFlows({}).value();
  EXPECT_THAT(Seqs(store_->Scan(newest, {.direction = Direction::kNewestFirst, .after_id = 99})
                       .value()
                       .records),
              ElementsAre(4, 2));
  clock_.Advance(absl::Hours(14 * 24 + 1));
  Open();  // looks for expired records at once
  while (!flows().empty()) absl::SleepFor(absl::Milliseconds(5));
  EXPECT_THAT(Seqs(Read(with_gaps)), ElementsAre(1, 3, 5));
  // Who reads alerts alone misses nothing by it.
  EXPECT_EQ(store_->PrunedId({}).value(), 0);
  EXPECT_EQ(store_->PrunedId(newest).value(), 4);
  v1::Filter both;
  both.mutable_flows();
  EXPECT_EQ(store_->PrunedId(RecordFilter::Create(both).value()).value(), 4);
}

TEST_F(StoreTest, FlowsAreReadTogetherWithTheOtherRecordsInTheirOrder) {
  Open();
  ASSERT_TRUE(Append(Register(), {MakeAlertRecord({.seq = 1}), MakeFlowRecord({.seq = 2}),
                                  MakeGapRecord({.seq = 3}, 1), MakeFlowRecord({.seq = 4}),
                                  MakeAlertRecord({.seq = 5}, {.priority = v1::PRIORITY_DEBUG})})
                  .ok());
  v1::Filter filter;
  filter.mutable_flows();
  EXPECT_THAT(Seqs(Read(filter)), ElementsAre(1, 2, 4, 5));
  const RecordFilter newest = RecordFilter::Create(filter).value();
  EXPECT_THAT(Seqs(store_->Scan(newest, {.direction = Direction::kNewestFirst, .after_id = 99})
                       .value()
                       .records),
              ElementsAre(5, 4, 2, 1));
  filter.set_include_gaps(true);
  EXPECT_THAT(Seqs(Read(filter)), ElementsAre(1, 2, 3, 4, 5));
  filter.set_without_alerts(true);
  EXPECT_THAT(Seqs(Read(filter)), ElementsAre(2, 3, 4));
  filter.set_include_gaps(false);
  EXPECT_THAT(Seqs(Read(filter)), ElementsAre(2, 4));
  filter.mutable_flows()->add_remotes("198.51.100.8");  // another
  EXPECT_THAT(Seqs(Read(filter)), IsEmpty());
  filter.set_without_alerts(false);
  filter.set_words("shadow");  // of alerts; their index knows no flows
  filter.mutable_flows()->clear_remotes();
  filter.set_min_priority(v1::PRIORITY_WARNING);
  EXPECT_THAT(Seqs(Read(filter)), ElementsAre(1, 2, 4));
  filter.mutable_flows()->add_nodes("n1");
  EXPECT_TRUE(absl::IsInvalidArgument(RecordFilter::Create(filter).status()));
  v1::Filter nothing;
  nothing.set_without_alerts(true);
  EXPECT_TRUE(absl::IsInvalidArgument(RecordFilter::Create(nothing).status()));
}

TEST_F(StoreTest, TheIndexForgetsWhatExpires) {
  options_.retention = absl::Hours(1);
  Open();
  ASSERT_TRUE(Append(Register(), {MakeAlertRecord({.seq = 1})}).ok());
  v1::UpdateAlertRequest update;
  update.set_uid(MakeAlertRecord({.seq = 1}).alert().uid());
  update.set_note("seen");
  ASSERT_TRUE(store_->UpdateAlert(update, "alice").ok());
  clock_.Advance(absl::Minutes(61));
  Open();  // looks for expired records at once
  while (!Read().empty()) absl::SleepFor(absl::Milliseconds(5));
  store_.reset();
  auto database = Database::Open(directory_.path() + "/data/vakt.db", Database::Mode::kReadWrite);
  ASSERT_TRUE(database.ok());
  EXPECT_TRUE((*database)->Execute("INSERT INTO search (search) VALUES ('integrity-check')").ok());
  for (const char* table :
       {"search WHERE search MATCH 'shadow'", "triage", "triage_change", "payload", "record"}) {
    EXPECT_EQ((*database)->QueryText(std::string("SELECT count(*) FROM ") + table).value(), "0")
        << table;
  }
}

TEST_F(StoreTest, ABackupIsACompleteStoreOfItsMoment) {
  Open();
  const Registration node = Register();
  ASSERT_TRUE(Append(node, {MakeAlertRecord({.seq = 1}), MakeAlertRecord({.seq = 2})}).ok());
  const auto backup = store_->Backup("monday");
  ASSERT_TRUE(backup.ok()) << backup.status();
  EXPECT_EQ(backup->records, 2u);
  EXPECT_EQ(store_->Backup("monday").status().code(), absl::StatusCode::kAlreadyExists);
  ASSERT_TRUE(Append(node, {MakeAlertRecord({.seq = 3})}).ok());
  const std::string cursor = store_->CursorOf(2);

  const std::string restored = directory_.path() + "/restored";
  std::filesystem::create_directories(restored);
  std::filesystem::copy_file(backup->path, restored + "/vakt.db");
  options_.directory = restored;
  auto store = Store::Open(options_);
  ASSERT_TRUE(store.ok()) << store.status();
  EXPECT_EQ((*store)->last_id(), 2);
  EXPECT_EQ((*store)->IdOf(cursor).value(), 2);  // the same store to its consumers
  v1::Filter filter;
  filter.set_words("shadow");
  EXPECT_EQ((*store)->Scan(RecordFilter::Create(filter).value(), {})->records.size(), 2u);
}

class StoreOpenTest : public StoreFixture {
 protected:
  absl::Status TryOpen() {
    options_.directory = directory_.path() + "/data";
    return Store::Open(options_).status();
  }
  void Run(const std::string& sql) {
    auto database = Database::Open(directory_.path() + "/data/vakt.db", Database::Mode::kReadWrite);
    ASSERT_TRUE(database.ok()) << database.status();
    const absl::Status status = (*database)->Execute(sql);
    ASSERT_TRUE(status.ok()) << status;
  }
};

TEST_F(StoreOpenTest, RefusesADirectoryInUse) {
  Open();
  const absl::Status status = TryOpen();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(Message(status)), HasSubstr("in use by another vakt-collector"));
}

TEST_F(StoreOpenTest, RefusesADamagedStore) {
  Open();
  std::vector<v1::Record> records;
  for (uint64_t seq = 1; seq <= 2000; ++seq) records.push_back(MakeAlertRecord({.seq = seq}));
  ASSERT_TRUE(Append(Register(), records).ok());
  store_.reset();
  const std::string path = directory_.path() + "/data/vakt.db";
  FILE* file = fopen(path.c_str(), "r+");
  ASSERT_NE(file, nullptr);
  const std::string garbage(200 << 10, '\x5a');
  fseek(file, 40 << 10, SEEK_SET);
  ASSERT_EQ(fwrite(garbage.data(), 1, garbage.size(), file), garbage.size());
  fclose(file);
  const absl::Status status = TryOpen();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
  EXPECT_THAT(std::string(Message(status)), HasSubstr("restore it from a backup"));
}

TEST_F(StoreOpenTest, RefusesWhatIsNoDatabase) {
  std::filesystem::create_directories(directory_.path() + "/data");
  FILE* file = fopen((directory_.path() + "/data/vakt.db").c_str(), "w");
  ASSERT_NE(file, nullptr);
  fputs(
      "this is a text file, and it is longer than the header of a database would be.......\n"
      "this is a text file, and it is longer than the header of a database would be.......\n",
      file);
  fclose(file);
  EXPECT_EQ(TryOpen().code(), absl::StatusCode::kDataLoss);
}

TEST_F(StoreOpenTest, RefusesAnotherProgramsDatabase) {
  std::filesystem::create_directories(directory_.path() + "/data");
  Run("CREATE TABLE theirs (x)");
  const absl::Status status = TryOpen();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(Message(status)), HasSubstr("another program's database"));
}

TEST_F(StoreOpenTest, RefusesTheStoreOfANewerCollector) {
  Open();
  store_.reset();
  Run("INSERT INTO schema_version VALUES (99, 'from the future', 0)");
  const absl::Status status = TryOpen();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(Message(status)), HasSubstr("schema version 99"));
}

TEST_F(StoreOpenTest, RefusesADirectoryThatCannotBeMade) {
  FILE* file = fopen((directory_.path() + "/data").c_str(), "w");
  ASSERT_NE(file, nullptr);
  fclose(file);
  const absl::Status status = TryOpen();
  EXPECT_FALSE(status.ok());
  EXPECT_THAT(std::string(Message(status)), HasSubstr("/data"));
}

TEST_F(StoreOpenTest, EveryStoreHasCursorsOfItsOwn) {
  Open();
  const std::string cursor = store_->CursorOf(12);
  EXPECT_EQ(store_->IdOf(cursor).value(), 12);
  StoreOptions other = options_;
  other.directory = directory_.path() + "/other";
  const auto other_store = Store::Open(other);
  ASSERT_TRUE(other_store.ok()) << other_store.status();
  EXPECT_EQ((*other_store)->IdOf(cursor).status().code(), absl::StatusCode::kFailedPrecondition);
  for (const std::string& bad :
       {std::string(), std::string("."), std::string("12"), cursor + "x", "x" + cursor.substr(16),
        cursor.substr(0, 17), cursor.substr(0, 17) + "-1", std::string(100, '1'),
        cursor + "9999999999999999999"}) {
    EXPECT_FALSE(store_->IdOf(bad).ok()) << bad;
  }
}

}  // namespace
}  // namespace vakt
