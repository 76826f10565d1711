// SPDX-License-Identifier: Apache-2.0
// Power loss: after each change that SQLite makes to the disk, with random fates of what was not
// synced, the store opens, and holds every record that was acknowledged, once, in order, and beyond
// them only whole batches. Also while it makes its tables and checkpoints.
//
// VAKT_STORE_CRASH_STATES: how many states to look at, at least; 600 if it is not set.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "tests/support/power_loss_vfs.h"
#include "tests/unit/collector/store/store_fixture.h"

namespace vakt {
namespace {

constexpr uint64_t kDefaultStates = 600;
constexpr uint64_t kBatches = 40;
constexpr uint64_t kBatchRecords = 5;
constexpr uint64_t kLargeBatch = 20;  // the number of one that fills many pages

uint64_t StatesWanted() {
  const char* text = getenv("VAKT_STORE_CRASH_STATES");
  return text == nullptr ? kDefaultStates : strtoull(text, nullptr, 10);
}

class PowerLossTest : public StoreFixture {
 protected:
  // What the store has promised once the disk saw so many changes: the last record acknowledged.
  std::map<size_t, uint64_t> acknowledged_;

  void MakeHistory(const PowerLossVfs& disk) {
    for (uint64_t batch = 0; batch < kBatches; ++batch) {
      // Again and again: a store that is closed moves its log into the database.
      if (batch % 10 == 0) {
        Open();
        ASSERT_FALSE(HasFatalFailure());
      }
      if (batch % 10 == 0) node_ = Register();
      std::vector<v1::Record> records;
      for (uint64_t i = 0; i < kBatchRecords; ++i) {
        SampleAlert alert;
        if (batch == kLargeBatch) alert.output = std::string(30'000, 'x');
        records.push_back(MakeAlertRecord({.seq = batch * kBatchRecords + i + 1}, alert));
      }
      ASSERT_TRUE(Append(node_, records).ok());
      acknowledged_[disk.changes()] = (batch + 1) * kBatchRecords;
    }
    store_.reset();
  }

  uint64_t AcknowledgedAfter(size_t changes) const {
    const auto next = acknowledged_.upper_bound(changes);
    return next == acknowledged_.begin() ? 0 : std::prev(next)->second;
  }

  // Opens what the crash left, settles accounts, and goes on.
  void Check(uint64_t acknowledged) {
    Open();
    if (HasFatalFailure()) return;
    const std::vector<uint64_t> stored = Seqs(Read());
    ASSERT_GE(stored.size(), acknowledged) << "an acknowledged record is lost";
    for (size_t i = 0; i < stored.size(); ++i) ASSERT_EQ(stored[i], i + 1);
    // A large batch is written in parts, each whole; it is acknowledged after the last.
    ASSERT_TRUE(stored.size() % kBatchRecords == 0 || stored.size() / kBatchRecords == kLargeBatch)
        << "a batch is there in part";
    const Registration node = Register();
    ASSERT_EQ(node.stored ? node.stored->seq() : 0, stored.size());
    ASSERT_TRUE(Append(node, {MakeAlertRecord({.seq = stored.size() + 1})}).ok());
    ASSERT_EQ(Read().size(), stored.size() + 1);
    store_.reset();
  }

  Registration node_;
};

TEST_F(PowerLossTest, NothingThatWasAcknowledgedIsLost) {
  const std::string data = directory_.path() + "/data";
  PowerLossVfs disk;
  MakeHistory(disk);
  disk.Stop();
  ASSERT_FALSE(HasFatalFailure());
  std::mt19937 random(13);
  uint64_t states = 0;
  const size_t changes = disk.changes();
  const auto crash = [&](size_t change, const PowerLossVfs::Choose& choose) {
    SCOPED_TRACE("crash after change " + std::to_string(change) + " of " + std::to_string(changes));
    std::filesystem::remove_all(data);
    std::filesystem::create_directory(data);
    disk.CrashState(change, data, choose);
    ++states;
    Check(AcknowledgedAfter(change));
  };
  const size_t stride = std::max<size_t>(2 * changes / StatesWanted(), 1);
  for (size_t change = 0; change <= changes && !HasFatalFailure(); change += stride) {
    crash(change, [](uint32_t bound) { return bound == 3 ? 1u : 0u; });  // nothing unsynced is kept
  }
  while (states < StatesWanted() && !HasFatalFailure()) {
    crash(random() % (changes + 1), [&](uint32_t bound) { return random() % bound; });
  }
  printf("%llu states, %zu changes\n", static_cast<unsigned long long>(states), changes);
}

}  // namespace
}  // namespace vakt
