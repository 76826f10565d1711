// SPDX-License-Identifier: Apache-2.0
// Power loss at every point: after each single change to the disk, with each fate of what was not
// synced, the spool opens again and holds exactly what it must.
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "agent/spool/segment_store.h"
#include "tests/support/memory_file_system.h"

namespace vakt {
namespace {

constexpr char kDir[] = "/spool";

std::string BytesOf(Position position) {
  return std::string(300, static_cast<char>('a' + position.seq % 26)) +
         std::to_string(position.seq);
}

// What must hold if the power fails once the disk saw `changes` changes.
struct Promise {
  Position durable;       // the last record whose Write had returned
  Position acknowledged;  // records up to here may be gone
  uint64_t epoch = 0;     // taken by a run before
};

// A run of the spool that notes after which change to the disk each promise was made.
class History {
 public:
  MemoryFileSystem& disk() { return disk_; }
  const std::map<size_t, Promise>& promises() const { return promises_; }

  void Run(const std::vector<int>& group_sizes, bool acknowledge, bool fail_syncs) {
    auto store = SegmentStore::Open({kDir, 1 << 20, 4096}, disk_);
    ASSERT_TRUE(store.ok()) << store.status();
    now_.epoch = (*store)->epoch();
    promises_[disk_.changes()] = now_;
    Position position{(*store)->epoch(), 0};
    for (int size : group_sizes) {
      std::vector<OutRecord> group;
      for (int i = 0; i < size; ++i) {
        ++position.seq;
        group.push_back({position, 2, BytesOf(position)});
      }
      if (fail_syncs && position.seq % 3 == 0) {
        disk_.FailNext(FileOperation::kSync, absl::DataLossError("EIO"));
      }
      ASSERT_TRUE((*store)->Write(group).ok());
      now_.durable = position;
      promises_[disk_.changes()] = now_;
      if (!acknowledge || position.seq < 10) continue;
      now_.acknowledged = {position.epoch, position.seq - 5};
      promises_[disk_.changes()] = now_;
      (*store)->Acknowledge(now_.acknowledged);
      (*store)->Housekeep();
    }
  }

 private:
  MemoryFileSystem disk_;
  Promise now_;
  std::map<size_t, Promise> promises_;
};

void ExpectKept(MemoryFileSystem& disk, const Promise& promise) {
  auto store = SegmentStore::Open({kDir, 1 << 20, 4096}, disk);
  ASSERT_TRUE(store.ok()) << store.status();
  EXPECT_GT((*store)->epoch(), promise.epoch);
  EXPECT_LE((*store)->acknowledged(), promise.acknowledged);
  std::vector<OutRecord> records;
  (*store)->Read({}, 100'000, 100 << 20, &records);
  Position last;
  Position next{promise.durable.epoch, 1};
  if (promise.acknowledged.epoch == next.epoch) next.seq = promise.acknowledged.seq + 1;
  for (const OutRecord& record : records) {
    ASSERT_GT(record.position, last) << "twice or out of order";
    if (record.bytes.find("are gone") != std::string::npos) {
      ASSERT_GT(record.position, promise.durable) << record.bytes;
    } else {
      ASSERT_EQ(record.bytes, BytesOf(record.position));
    }
    last = record.position;
    if (record.position == next && next.seq <= promise.durable.seq) ++next.seq;
  }
  ASSERT_EQ(next.seq, promise.durable.seq + 1) << "a durable record is lost";
  // And the spool works on.
  ASSERT_TRUE((*store)->Write({{{{(*store)->epoch(), 1}, 2, "new"}}}).ok());
  EXPECT_TRUE((*store)->HasAfter(last));
}

using Fate = std::tuple<UnsyncedBytes, UnsyncedNames>;
class SegmentStoreCrashTest : public ::testing::TestWithParam<Fate> {
 protected:
  void CrashEverywhere(const History& history, MemoryFileSystem& disk) {
    const auto [bytes, names] = GetParam();
    for (size_t changes = 0; changes <= disk.changes(); ++changes) {
      SCOPED_TRACE("crash after change " + std::to_string(changes));
      const auto promise = history.promises().upper_bound(changes);
      const Promise kept =
          promise == history.promises().begin() ? Promise{} : std::prev(promise)->second;
      for (uint32_t seed = 0; seed < 3; ++seed) {
        ExpectKept(*disk.CrashAfter(changes, bytes, names, seed), kept);
        if (HasFatalFailure()) return;
      }
    }
  }
};

TEST_P(SegmentStoreCrashTest, KeepsWhatWasDurable) {
  History history;
  history.Run({1, 2, 7, 1, 1, 12, 3, 3, 1, 1, 5, 2}, /*acknowledge=*/false, /*fail_syncs=*/false);
  CrashEverywhere(history, history.disk());
}

TEST_P(SegmentStoreCrashTest, KeepsWhatWasDurableWhileSegmentsAreFreed) {
  History history;
  history.Run({3, 8, 9, 9, 1, 9, 9, 9}, /*acknowledge=*/true, /*fail_syncs=*/false);
  CrashEverywhere(history, history.disk());
}

TEST_P(SegmentStoreCrashTest, KeepsWhatWasDurableWhileSyncsFail) {
  History history;
  history.Run({1, 2, 3, 3, 2, 1, 9, 6, 3}, /*acknowledge=*/false, /*fail_syncs=*/true);
  CrashEverywhere(history, history.disk());
}

TEST_P(SegmentStoreCrashTest, KeepsWhatWasDurableOverSeveralRuns) {
  History history;
  history.Run({4, 4}, /*acknowledge=*/false, /*fail_syncs=*/false);
  history.Run({2, 11}, /*acknowledge=*/false, /*fail_syncs=*/true);
  CrashEverywhere(history, history.disk());
}

INSTANTIATE_TEST_SUITE_P(
    Fates, SegmentStoreCrashTest,
    ::testing::Combine(::testing::Values(UnsyncedBytes::kLost, UnsyncedBytes::kKept,
                                         UnsyncedBytes::kTorn, UnsyncedBytes::kZeroed),
                       ::testing::Values(UnsyncedNames::kLost, UnsyncedNames::kKept)));

}  // namespace
}  // namespace vakt
