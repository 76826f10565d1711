// SPDX-License-Identifier: Apache-2.0
// Power loss, enumerated: after each change that the spool makes to the disk, each combination of
// what became of the writes and names that were not synced (all of them where they are few, evenly
// spread ones where they are many). The spool opens, and accounts for every record that it had
// promised to keep: there, or acknowledged, or in a tombstone for want of room.
//
// VAKT_CRASH_STATES: how many states to look at, at least; 4,000 if it is not set.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agent/spool/segment_store.h"
#include "tests/support/memory_file_system.h"

namespace vakt {
namespace {

constexpr char kDir[] = "/spool";
constexpr uint64_t kDefaultStates = 4000;

uint64_t StatesWanted() {
  const char* text = getenv("VAKT_CRASH_STATES");
  return text == nullptr ? kDefaultStates : strtoull(text, nullptr, 10);
}

std::string BytesOf(Position position) {
  return std::string(200, static_cast<char>('a' + position.seq % 26)) + ToText(position);
}

// "gone 3 spool_quota": from there to the record's own position.
class TestCodec : public RecordCodec {
 public:
  Facts Describe(std::string_view) const override { return {}; }
  std::string Encode(const Tombstone& tombstone, const ChainHash&) const override {
    return "gone " + std::to_string(tombstone.first.seq) + " " +
           std::string(LossReasonName(tombstone.reason));
  }
};
const TestCodec kCodec;

// What the spool has promised once the disk saw so many changes.
struct Promise {
  std::map<uint64_t, uint64_t> durable;  // epoch -> last sequence number
  Position acknowledged;                 // records up to here may be gone
};

struct Workload {
  const char* name;
  uint64_t max_bytes;
  int groups;
  bool acknowledge;
  bool fail_syncs;
  int runs = 1;
};

constexpr Workload kWorkloads[] = {
    {"plain", 1 << 20, 12, false, false},
    {"freed", 1 << 20, 14, true, false},
    {"failing syncs", 1 << 20, 12, false, true},
    {"several runs", 1 << 20, 4, true, true, 3},
    {"over the quota", 40 << 10, 60, false, false},
    {"over the quota, acknowledged, failing syncs", 40 << 10, 40, true, true, 2},
};

class History {
 public:
  explicit History(const Workload& workload) : workload_(workload) {
    for (int run = 0; run < workload.runs; ++run) Run();
  }
  const MemoryFileSystem& disk() const { return disk_; }

  Promise PromiseAfter(size_t changes) const {
    const auto next = promises_.upper_bound(changes);
    return next == promises_.begin() ? Promise{} : std::prev(next)->second;
  }

 private:
  void Note() { promises_[disk_.changes()] = now_; }

  void Run() {
    auto store = SegmentStore::Open({kDir, workload_.max_bytes, 2048, &kCodec}, disk_);
    ASSERT_TRUE(store.ok()) << store.status();
    Position position{(*store)->epoch(), 0};
    for (int i = 0; i < workload_.groups; ++i) {
      std::vector<OutRecord> group;
      for (int j = 0; j <= i % 4; ++j) {
        ++position.seq;
        group.push_back({position, static_cast<int>(position.seq % 8), BytesOf(position)});
      }
      if (workload_.fail_syncs && i % 3 == 1) {
        disk_.FailNext(FileOperation::kSync, absl::DataLossError("EIO"));
      }
      ASSERT_TRUE((*store)->Write(group).ok());
      now_.durable[position.epoch] = position.seq;
      Note();
      if (workload_.acknowledge && i % 4 == 3) {
        now_.acknowledged = {position.epoch, position.seq - 2};
        Note();
        (*store)->Acknowledge(now_.acknowledged);
        (*store)->Housekeep();
      }
    }
  }

  const Workload workload_;
  MemoryFileSystem disk_;
  Promise now_;
  std::map<size_t, Promise> promises_;
};

// Opens the spool as it is after the crash and settles accounts.
void Check(MemoryFileSystem& disk, const Workload& workload, const Promise& promise) {
  auto store = SegmentStore::Open({kDir, workload.max_bytes, 2048, &kCodec}, disk);
  ASSERT_TRUE(store.ok()) << store.status();
  ASSERT_LE((*store)->acknowledged(), promise.acknowledged);
  std::map<uint64_t, uint64_t> next;  // epoch -> the first sequence number not accounted for
  for (const auto& [epoch, seq] : promise.durable) {
    const bool done = epoch < promise.acknowledged.epoch;
    next[epoch] =
        done ? seq + 1 : 1 + (epoch == promise.acknowledged.epoch ? promise.acknowledged.seq : 0);
  }
  std::vector<OutRecord> records;
  (*store)->Read({}, 100'000, 100 << 20, &records);
  Position last;
  for (const OutRecord& record : records) {
    const Position at = record.position;
    ASSERT_GT(at, last) << "twice or out of order";
    last = at;
    uint64_t& expected = next.try_emplace(at.epoch, 1).first->second;
    uint64_t first = at.seq;
    if (record.bytes.starts_with("gone")) {
      first = strtoull(record.bytes.c_str() + 5, nullptr, 10);
      const auto durable = promise.durable.find(at.epoch);
      const bool promised =
          durable != promise.durable.end() && first <= durable->second && at > promise.acknowledged;
      ASSERT_FALSE(promised && record.bytes.ends_with("corrupt")) << ToText(at) << record.bytes;
    } else {
      ASSERT_EQ(record.bytes, BytesOf(at));
    }
    if (first <= expected && at.seq >= expected) expected = at.seq + 1;
  }
  for (const auto& [epoch, seq] : promise.durable) {
    ASSERT_GT(next[epoch], seq) << "a durable record is lost";
  }
  ASSERT_TRUE((*store)->Write({{{{(*store)->epoch(), 1}, 2, "new"}}}).ok());
  ASSERT_TRUE((*store)->HasAfter(last));
}

// Counts through all combinations of choices, the last one fastest.
class Odometer {
 public:
  uint32_t Choose(uint32_t bound) {
    if (at_ == digits_.size()) digits_.push_back({0, bound});
    return digits_[at_++].value % bound;
  }
  // False when all combinations have been had. `stride` > 1 leaves some out, evenly.
  bool Next(uint64_t stride) {
    at_ = 0;
    uint64_t carry = stride;
    for (auto digit = digits_.rbegin(); digit != digits_.rend() && carry > 0; ++digit) {
      const uint64_t sum = digit->value + carry;
      digit->value = static_cast<uint32_t>(sum % digit->bound);
      carry = sum / digit->bound;
    }
    return carry == 0;
  }
  uint64_t combinations() const {
    uint64_t product = 1;
    for (const Digit& digit : digits_) {
      product = product > UINT64_MAX / 8 ? product : product * digit.bound;
    }
    return product;
  }

 private:
  struct Digit {
    uint32_t value;
    uint32_t bound;
  };
  std::vector<Digit> digits_;
  size_t at_ = 0;
};

// Looks at up to `most` states after one change.
uint64_t CrashAfter(size_t change, const History& history, const Workload& workload,
                    uint64_t most) {
  const Promise promise = history.PromiseAfter(change);
  Odometer odometer;
  uint64_t states = 0;
  uint64_t stride = 1;
  do {
    const std::unique_ptr<MemoryFileSystem> disk = history.disk().CrashState(
        change, [&odometer](uint32_t bound) { return odometer.Choose(bound); });
    if (states == 0) stride = std::max<uint64_t>(odometer.combinations() / most, 1);
    ++states;
    Check(*disk, workload, promise);
    if (::testing::Test::HasFatalFailure()) return states;
  } while (states < most && odometer.Next(stride));
  return states;
}

TEST(CrashStatesTest, NothingThatWasPromisedIsLostInAnyOfThem) {
  const uint64_t wanted = StatesWanted();
  uint64_t states = 0;
  for (uint64_t most = 1; states < wanted; most *= 2) {
    states = 0;
    for (const Workload& workload : kWorkloads) {
      const History history(workload);
      if (HasFatalFailure()) return;
      for (size_t change = 0; change <= history.disk().changes(); ++change) {
        SCOPED_TRACE(std::string(workload.name) + ", crash after change " + std::to_string(change));
        states += CrashAfter(change, history, workload, most);
        if (HasFatalFailure()) return;
      }
    }
    ASSERT_LT(most, uint64_t{1} << 20) << "there are not so many states";
  }
  printf("%llu states\n", static_cast<unsigned long long>(states));
  RecordProperty("states", static_cast<int>(states));
}

}  // namespace
}  // namespace vakt
