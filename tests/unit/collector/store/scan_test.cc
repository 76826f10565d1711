// SPDX-License-Identifier: Apache-2.0
// Filters and pages: each filter by example, and all of them together against the plainest possible
// reading of what proto/vakt/v1/query.proto promises.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <random>
#include <string>
#include <vector>

#include "common/time/wall_time.h"
#include "tests/unit/collector/store/store_fixture.h"

namespace vakt {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr int64_t kStartNs = 1'700'000'000'000'000'000;

class ScanTest : public StoreFixture {
 protected:
  void SetUp() override { Open(); }
};

TEST_F(ScanTest, AnEmptyStoreHasNothing) {
  EXPECT_THAT(Read(), IsEmpty());
  EXPECT_THAT(Read({}, Direction::kNewestFirst), IsEmpty());
}

class FilterTest : public ScanTest {
 protected:
  void SetUp() override {
    ScanTest::SetUp();
    const absl::Status n1 =
        Append(Register("n1"),
               {MakeAlertRecord({.seq = 1}, {.rule = "A", .priority = v1::PRIORITY_CRITICAL}),
                MakeAlertRecord({.seq = 2}, {.rule = "B", .priority = v1::PRIORITY_NOTICE}),
                MakeGapRecord({.seq = 3}, 7),
                MakeAlertRecord({.seq = 4}, {.rule = "B", .event_ns = kStartNs + 5}),
                MakeAlertRecord({.seq = 5}, {.rule = "C", .output = "Shell by WWW-Data"})});
    ASSERT_TRUE(n1.ok()) << n1;
    const absl::Status n2 = Append(
        Register("n2"), {MakeAlertRecord({.seq = 6}, {.rule = "A"}), MakeGapRecord({.seq = 7}, 1)});
    ASSERT_TRUE(n2.ok()) << n2;
  }

  v1::Filter filter_;
};

TEST_F(FilterTest, ByKind) {
  EXPECT_THAT(Seqs(Read(filter_)), ElementsAre(1, 2, 4, 5, 6));
  filter_.set_include_gaps(true);
  EXPECT_THAT(Seqs(Read(filter_)), ElementsAre(1, 2, 3, 4, 5, 6, 7));
}

TEST_F(FilterTest, ByPriorityWhichDoesNotRestrictGaps) {
  filter_.set_min_priority(v1::PRIORITY_WARNING);
  EXPECT_THAT(Seqs(Read(filter_)), ElementsAre(1, 4, 5, 6));
  filter_.set_min_priority(v1::PRIORITY_EMERGENCY);
  EXPECT_THAT(Read(filter_), IsEmpty());
  filter_.set_include_gaps(true);
  EXPECT_THAT(Seqs(Read(filter_)), ElementsAre(3, 7));
}

TEST_F(FilterTest, ByRule) {
  filter_.add_rules("no such rule");
  EXPECT_THAT(Read(filter_), IsEmpty());
  filter_.add_rules("B");
  filter_.add_rules("C");
  EXPECT_THAT(Seqs(Read(filter_)), ElementsAre(2, 4, 5));
}

TEST_F(FilterTest, ByNodeWhichRestrictsGapsToo) {
  filter_.add_nodes("n2");
  EXPECT_THAT(Seqs(Read(filter_)), ElementsAre(6));
  filter_.set_include_gaps(true);
  EXPECT_THAT(Seqs(Read(filter_)), ElementsAre(6, 7));
  filter_.set_nodes(0, "n3");
  EXPECT_THAT(Read(filter_), IsEmpty());
}

TEST_F(FilterTest, ByTextInAnyCase) {
  filter_.set_text("www-DATA");
  EXPECT_THAT(Seqs(Read(filter_)), ElementsAre(5));
}

TEST_F(FilterTest, ByTimeFromSinceToBeforeUntil) {
  FromWallNs(kStartNs + 5, filter_.mutable_since());
  EXPECT_THAT(Seqs(Read(filter_)), ElementsAre(4));
  filter_.clear_since();
  FromWallNs(kStartNs + 5, filter_.mutable_until());
  EXPECT_THAT(Seqs(Read(filter_)), ElementsAre(1, 2, 5, 6));
}

TEST_F(ScanTest, RefusesFiltersThatCannotBe) {
  v1::Filter filter;
  filter.set_min_priority(static_cast<v1::Priority>(9));
  EXPECT_EQ(RecordFilter::Create(filter).status().code(), absl::StatusCode::kInvalidArgument);
  filter = {};
  for (int i = 0; i < 1001; ++i) filter.add_rules("r");
  EXPECT_EQ(RecordFilter::Create(filter).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(ScanTest, APageEndsByCountAndByBytes) {
  const Registration node = Register();
  std::vector<v1::Record> records;
  for (uint64_t seq = 1; seq <= 10; ++seq) {
    records.push_back(MakeAlertRecord({.seq = seq}, {.output = std::string(10'000, 'x')}));
  }
  ASSERT_TRUE(Append(node, records).ok());
  auto page = store_->Scan(RecordFilter(), {.max_records = 3});
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_THAT(Seqs(page->records), ElementsAre(1, 2, 3));
  EXPECT_FALSE(page->at_end);
  page = store_->Scan(RecordFilter(), {.after_id = page->position, .max_bytes = 25'000});
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_THAT(Seqs(page->records), ElementsAre(4, 5));
  page = store_->Scan(RecordFilter(), {.after_id = page->position, .max_bytes = 1});
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_THAT(Seqs(page->records), ElementsAre(6));  // one at least, or there is no progress
}

TEST_F(ScanTest, AScanOverItsBudgetGoesOnWhereItStopped) {
  const Registration node = Register();
  for (int batch = 0; batch < 10; ++batch) {
    std::vector<v1::Record> records;
    for (int i = 0; i < 1000; ++i) {
      records.push_back(MakeGapRecord({.seq = static_cast<uint64_t>(batch * 1000 + i + 1)}, 1));
    }
    ASSERT_TRUE(Append(node, records).ok());
  }
  ScanRequest request{.budget = absl::ZeroDuration()};
  int scans = 0;
  while (true) {
    const auto result = store_->Scan(RecordFilter(), request);  // alerts: there are none
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_THAT(result->records, IsEmpty());
    ++scans;
    if (result->at_end) break;
    ASSERT_GT(result->position, request.after_id);
    request.after_id = result->position;
  }
  EXPECT_GT(scans, 10);
}

struct Stored {
  std::string node;
  v1::Record record;
};

bool Promised(const v1::Filter& filter, const Stored& stored) {
  const bool is_alert = stored.record.has_alert();
  const auto& time = is_alert ? stored.record.alert().time() : stored.record.gap().begin();
  if (filter.has_since() && ToWallNs(time) < ToWallNs(filter.since())) return false;
  if (filter.has_until() && ToWallNs(time) >= ToWallNs(filter.until())) return false;
  const auto one_of = [](const auto& names, const std::string& name) {
    return names.empty() || std::find(names.begin(), names.end(), name) != names.end();
  };
  if (!one_of(filter.nodes(), stored.node)) return false;
  if (!is_alert) return filter.include_gaps();
  const v1::Alert& alert = stored.record.alert();
  if (filter.has_min_priority() && alert.priority() > filter.min_priority()) return false;
  if (!one_of(filter.rules(), alert.rule())) return false;
  return alert.output().find(filter.text()) != std::string::npos;
}

class RandomScanTest : public ScanTest {
 protected:
  uint32_t Below(uint32_t limit) { return random_() % limit; }

  // Over several spans of the time index, mostly in the order of time.
  void Fill(int records) {
    std::vector<Registration> nodes;
    for (int i = 0; i < 3; ++i) nodes.push_back(Register("n" + std::to_string(i)));
    for (int next = 0; next < records;) {
      const uint32_t node = Below(3);
      std::vector<v1::Record> batch;
      for (int i = 0; i < 500; ++i, ++next) {
        const SamplePosition position{.seq = static_cast<uint64_t>(next + 1)};
        const int64_t late_by = Below(20) == 0 ? Below(2000) : 0;
        const int64_t event_ns = kStartNs + std::max<int64_t>(next - late_by, 0);
        batch.push_back(
            Below(10) == 0
                ? MakeGapRecord(position, 1, event_ns)
                : MakeAlertRecord(position, {.rule = "r" + std::to_string(Below(5)),
                                             .priority = static_cast<v1::Priority>(Below(8)),
                                             .event_ns = event_ns,
                                             .output = "word" + std::to_string(Below(4))}));
        stored_.push_back({"n" + std::to_string(node), batch.back()});
      }
      ASSERT_TRUE(Append(nodes[node], batch).ok());
    }
  }

  v1::Filter RandomFilter(int records) {
    v1::Filter filter;
    const auto sometimes = [this] { return Below(3) == 0; };
    if (sometimes()) FromWallNs(kStartNs + Below(records), filter.mutable_since());
    if (sometimes()) FromWallNs(kStartNs + Below(records), filter.mutable_until());
    if (sometimes()) filter.set_min_priority(static_cast<v1::Priority>(Below(8)));
    while (sometimes()) filter.add_rules("r" + std::to_string(Below(6)));
    while (sometimes()) filter.add_nodes("n" + std::to_string(Below(4)));
    if (sometimes()) filter.set_text("word" + std::to_string(Below(4)));
    filter.set_include_gaps(Below(2) == 0);
    return filter;
  }

  std::mt19937 random_{7};
  std::vector<Stored> stored_;
};

TEST_F(RandomScanTest, EveryFilterGivesExactlyWhatIsPromisedInBothDirections) {
  constexpr int kRecords = 9'000;
  ASSERT_NO_FATAL_FAILURE(Fill(kRecords));
  for (int round = 0; round < 30; ++round) {
    const v1::Filter filter = RandomFilter(kRecords);
    std::vector<uint64_t> expected;
    for (const Stored& stored : stored_) {
      if (Promised(filter, stored)) expected.push_back(stored.record.seq());
    }
    const size_t page = 100 + Below(3000);
    ASSERT_EQ(Seqs(Read(filter, Direction::kOldestFirst, page)), expected)
        << filter.ShortDebugString();
    std::reverse(expected.begin(), expected.end());
    ASSERT_EQ(Seqs(Read(filter, Direction::kNewestFirst, page)), expected)
        << filter.ShortDebugString();
  }
}

// What the index finds is what a look at every alert finds, in both directions and over pages.
TEST_F(ScanTest, TheIndexFindsWhatLookingAtEachAlertFinds) {
  Open();
  const Registration node = Register();
  constexpr const char* kUsers[] = {"alice", "bob", "carol"};
  constexpr const char* kPods[] = {"api-1", "db-1", "api-2", ""};
  std::vector<v1::Record> records;
  for (uint64_t seq = 1; seq <= 3000; ++seq) {
    v1::Record record = MakeAlertRecord(
        {.seq = seq},
        {.output = "File opened (n=" + std::to_string(seq % 50) + " by=" + kUsers[seq % 3] + ")"});
    v1::Alert* alert = record.mutable_alert();
    alert->mutable_output_fields(0)->set_string_value(kUsers[seq % 3]);
    v1::OutputField* pod = alert->add_output_fields();
    pod->set_name("k8s.pod.name");
    pod->set_string_value(kPods[seq % 4]);
    records.push_back(std::move(record));
  }
  ASSERT_TRUE(Append(node, records).ok());
  const struct {
    const char* condition;
    const char* words;
    size_t expected;
  } cases[] = {
      {"alert.user = alice", "", 1000},
      {"alert.user in (alice, bob) and alert.pod = db-1", "", 500},
      {"alert.pod = db-1 or alert.user = carol", "", 1500},
      {"alert.pod = db-1 or alert.output contains carol", "", 1500},  // the index cannot help
      {"not alert.pod = db-1", "", 2250},
      {"alert.user = alice and alert.output contains 'n=7 '", "", 20},
      {"", "OPENED bob", 1000},
      {"", "7 file", 60},
      {"alert.user = alice", "bob", 0},
      {"", "and or not near", 0},
      {"alert.pod = nothing", "", 0},
  };
  for (const auto& [condition, words, expected] : cases) {
    v1::Filter filter;
    filter.set_condition(condition);
    filter.set_words(words);
    const auto found = Read(filter, Direction::kOldestFirst, 100);
    auto backwards = Read(filter, Direction::kNewestFirst, 77);
    filter.set_include_gaps(true);  // keeps the index out
    const auto seen = Read(filter, Direction::kOldestFirst, 1000);
    EXPECT_EQ(found.size(), expected) << condition << " | " << words;
    EXPECT_EQ(Seqs(found), Seqs(seen)) << condition << " | " << words;
    std::reverse(backwards.begin(), backwards.end());
    EXPECT_EQ(Seqs(backwards), Seqs(seen)) << condition << " | " << words;
  }
}

}  // namespace
}  // namespace vakt
