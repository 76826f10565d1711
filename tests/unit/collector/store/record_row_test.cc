// SPDX-License-Identifier: Apache-2.0
#include "collector/store/record_row.h"

#include <gmock/gmock.h>
#include <google/protobuf/stubs/logging.h>
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "common/base/status.h"
#include "tests/support/sample_records.h"

namespace vakt {
namespace {

using ::testing::HasSubstr;

std::string WhyRefused(const v1::Record& record) {
  const auto row = ToRecordRow(record.SerializeAsString());
  EXPECT_EQ(row.status().code(), absl::StatusCode::kInvalidArgument);
  return std::string(Message(row.status()));
}

TEST(RecordRowTest, TakesTheColumnsOfAnAlert) {
  const v1::Record record = MakeAlertRecord({.epoch = 7, .seq = 9});
  const auto row = ToRecordRow(record.SerializeAsString());
  ASSERT_TRUE(row.ok()) << row.status();
  EXPECT_EQ(row->bytes, record.SerializeAsString());
  EXPECT_EQ(row->boot_id, kSampleBootId);
  EXPECT_EQ(row->epoch, 7);
  EXPECT_EQ(row->seq, 9);
  EXPECT_EQ(row->kind, RecordKind::kAlert);
  EXPECT_EQ(row->priority, v1::PRIORITY_WARNING);
  EXPECT_EQ(row->event_ns, 1'700'000'000'000'000'000);
  EXPECT_EQ(row->rule, "Read sensitive file untrusted");
  EXPECT_EQ(row->uid, record.alert().uid());
}

TEST(RecordRowTest, TakesGapsAndLifecycleNotes) {
  const auto gap = ToRecordRow(MakeGapRecord({}, 5).SerializeAsString());
  ASSERT_TRUE(gap.ok()) << gap.status();
  EXPECT_EQ(gap->kind, RecordKind::kGap);
  EXPECT_EQ(gap->priority, std::nullopt);
  EXPECT_EQ(gap->event_ns, 1'700'000'000'000'000'000);
  const auto note = ToRecordRow(MakeLifecycleRecord({}).SerializeAsString());
  ASSERT_TRUE(note.ok()) << note.status();
  EXPECT_EQ(note->kind, RecordKind::kLifecycle);
}

TEST(RecordRowTest, TakesFlows) {
  const auto row = ToRecordRow(MakeFlowRecord({}, 1'700'000'000'500'000'000).SerializeAsString());
  ASSERT_TRUE(row.ok()) << row.status();
  EXPECT_EQ(row->kind, RecordKind::kFlow);
  EXPECT_EQ(row->priority, std::nullopt);
  EXPECT_EQ(row->event_ns, 1'700'000'000'500'000'000);
}

TEST(RecordRowTest, KeepsABodyThatOnlyNewerAgentsKnow) {
  v1::Record record = MakeGapRecord({}, 1);
  record.clear_body();
  std::string bytes = record.SerializeAsString();
  bytes += std::string("\xa2\x06\x03xyz", 6);  // field 100, bytes "xyz"
  const auto row = ToRecordRow(bytes);
  ASSERT_TRUE(row.ok()) << row.status();
  EXPECT_EQ(row->kind, RecordKind::kOther);
  EXPECT_EQ(row->bytes, bytes);
}

TEST(RecordRowTest, RefusesBadPositions) {
  EXPECT_THAT(WhyRefused(MakeGapRecord({.boot_id = ""}, 1)), HasSubstr("boot_id"));
  EXPECT_THAT(WhyRefused(MakeGapRecord({.boot_id = std::string(65, 'b')}, 1)),
              HasSubstr("boot_id has 65 bytes"));
  EXPECT_THAT(WhyRefused(MakeGapRecord({.seq = 0}, 1)), HasSubstr("seq"));
  EXPECT_THAT(WhyRefused(MakeGapRecord({.seq = uint64_t{1} << 63}, 1)), HasSubstr("seq"));
  EXPECT_THAT(WhyRefused(MakeGapRecord({.epoch = uint64_t{1} << 63}, 1)), HasSubstr("epoch"));
}

TEST(RecordRowTest, RefusesBadAlerts) {
  EXPECT_THAT(WhyRefused(MakeAlertRecord({}, {.priority = static_cast<v1::Priority>(8)})),
              HasSubstr("priority is 8"));
  EXPECT_THAT(WhyRefused(MakeAlertRecord({}, {.rule = std::string(1025, 'r')})),
              HasSubstr("longer than 1024"));
}

TEST(RecordRowTest, RefusesBytesThatAreNoRecord) {
  EXPECT_FALSE(ToRecordRow("\xff\xff\xff").ok());
  std::string not_utf8 = MakeAlertRecord({}, {.output = "marker"}).SerializeAsString();
  not_utf8[not_utf8.find("marker")] = '\xff';
  EXPECT_FALSE(ToRecordRow(not_utf8).ok());
  EXPECT_THAT(std::string(Message(ToRecordRow(std::string(kMaxRecordBytes + 1, 'x')).status())),
              HasSubstr("the limit is 262144"));
}

TEST(RecordRowTest, SurvivesDamagedBytes) {
  google::protobuf::SetLogHandler(nullptr);  // it says a line for each invalid string
  const std::string good = MakeAlertRecord({}).SerializeAsString();
  std::mt19937 random(42);
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes = good.substr(0, random() % (good.size() + 1));
    for (unsigned flips = random() % 4; flips > 0 && !bytes.empty(); --flips) {
      bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    const auto row = ToRecordRow(bytes);
    if (row.ok()) {
      EXPECT_GT(row->seq, 0);
    }
  }
}

TEST(RecordRowTest, ClampsTimesThatNanosecondsCannotHold) {
  v1::Record record = MakeAlertRecord({});
  record.mutable_alert()->mutable_time()->set_seconds(int64_t{1} << 40);
  EXPECT_EQ(ToRecordRow(record.SerializeAsString())->event_ns, INT64_MAX);
  record.mutable_alert()->mutable_time()->set_seconds(-(int64_t{1} << 40));
  EXPECT_EQ(ToRecordRow(record.SerializeAsString())->event_ns, INT64_MIN);
}

}  // namespace
}  // namespace vakt
