// SPDX-License-Identifier: Apache-2.0
// A store in a directory of its own, and its asynchronous writes made to wait.
// Threads: one.
#ifndef VAKT_TESTS_UNIT_COLLECTOR_STORE_STORE_FIXTURE_H_
#define VAKT_TESTS_UNIT_COLLECTOR_STORE_STORE_FIXTURE_H_

#include <gtest/gtest.h>

#include <atomic>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/synchronization/notification.h"
#include "collector/store/store.h"
#include "tests/support/sample_records.h"
#include "tests/support/temporary_directory.h"

namespace vakt {

class FakeClock final : public Clock {
 public:
  int64_t BootNs() const override { return boot_ns_; }
  int64_t WallNs() const override { return wall_ns_; }
  void Advance(absl::Duration by) {
    boot_ns_ += absl::ToInt64Nanoseconds(by);
    Set(by);
  }
  // Somebody sets the wall clock.
  void Set(absl::Duration by) { wall_ns_ += absl::ToInt64Nanoseconds(by); }

 private:
  std::atomic<int64_t> boot_ns_{1'000'000'000};
  std::atomic<int64_t> wall_ns_{1'700'000'000'000'000'000};
};

class StoreFixture : public ::testing::Test {
 protected:
  void Open() {
    store_.reset();
    options_.directory = directory_.path() + "/data";
    options_.clock = &clock_;
    options_.reserve_bytes = 0;  // of tmpfs it would take memory
    auto store = Store::Open(options_);
    ASSERT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
  }

  Registration Register(const std::string& node = "n1", uint64_t epoch = 1000,
                        const std::string& boot_id = kSampleBootId) {
    v1::Hello hello;
    hello.set_node(node);
    hello.set_boot_id(boot_id);
    hello.set_epoch(epoch);
    return Register(node, hello);
  }
  Registration Register(const std::string& node, const v1::Hello& hello) {
    Registration out;
    absl::Notification done;
    store_->RegisterNode({"c1", node}, hello, [&](absl::StatusOr<Registration> registration) {
      EXPECT_TRUE(registration.ok()) << registration.status();
      if (registration.ok()) out = *std::move(registration);
      done.Notify();
    });
    done.WaitForNotification();
    return out;
  }

  absl::Status Append(const Registration& node, const std::vector<v1::Record>& records) {
    std::vector<RecordRow> rows;
    for (const v1::Record& record : records) {
      rows.push_back(ToRecordRow(record.SerializeAsString()).value());
    }
    absl::Status out;
    absl::Notification done;
    store_->Append(node.stream, {.rows = std::move(rows), .before = {}, .after = {}},
                   [&](const absl::Status& status) {
                     out = status;
                     done.Notify();
                   });
    done.WaitForNotification();
    return out;
  }

  // All that match, by pages of `page`.
  std::vector<v1::StoredRecord> Read(const v1::Filter& filter = AllKinds(),
                                     Direction direction = Direction::kOldestFirst,
                                     size_t page = 1000) {
    const RecordFilter record_filter = RecordFilter::Create(filter).value();
    ScanRequest request;
    request.direction = direction;
    request.max_records = page;
    if (direction == Direction::kNewestFirst) {
      request.after_id = std::numeric_limits<int64_t>::max();
    }
    std::vector<v1::StoredRecord> all;
    while (true) {
      auto result = store_->Scan(record_filter, request);
      EXPECT_TRUE(result.ok()) << result.status();
      if (!result.ok()) return all;
      EXPECT_LE(result->records.size(), page);
      for (auto& record : result->records) all.push_back(std::move(record));
      request.after_id = result->position;
      if (result->at_end) return all;
    }
  }

  static v1::Filter AllKinds() {
    v1::Filter filter;
    filter.set_include_gaps(true);
    return filter;
  }

  static std::vector<uint64_t> Seqs(const std::vector<v1::StoredRecord>& records) {
    std::vector<uint64_t> seqs;
    for (const auto& record : records) seqs.push_back(record.record().seq());
    return seqs;
  }

  TemporaryDirectory directory_;
  FakeClock clock_;
  StoreOptions options_;
  std::unique_ptr<Store> store_;
};

}  // namespace vakt

#endif  // VAKT_TESTS_UNIT_COLLECTOR_STORE_STORE_FIXTURE_H_
