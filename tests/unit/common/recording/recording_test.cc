// SPDX-License-Identifier: Apache-2.0
#include "common/recording/recording.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "common/base/file.h"
#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/event_codec/event_codec.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/common/event_codec/random_event.h"

namespace vakt {
namespace {

using testing::HasSubstr;

v1::NodeFacts SampleNode() {
  v1::NodeFacts node;
  node.set_hostname("node-1");
  node.set_boot_id("6f9a5b1e-3c1d-4e55-9f0a-111111111111");
  node.set_boot_to_wall_ns(1'700'000'000'000'000'000);
  v1::NodeFacts::Account& user = *node.add_users();
  user.set_id(0);
  user.set_name("root");
  return node;
}

class RecordingTest : public testing::Test {
 protected:
  RecordingTest() : path_(StrCat(testing::TempDir(), "vakt_recording_test.", getpid())) {
    std::filesystem::remove(path_);
  }
  ~RecordingTest() override { std::filesystem::remove(path_); }

  // `count` events with a gap after the first; returns the fields of each event.
  std::vector<std::vector<std::string>> Write(int count) {
    auto writer = RecordingWriter::Create(path_, SampleNode());
    EXPECT_TRUE(writer.ok()) << writer.status();
    RandomEvents events(3);
    std::vector<std::vector<std::string>> fields;
    for (int i = 0; i < count; ++i) {
      const Event event = events.Make(AllKinds()[i % AllKinds().size()].kind);
      fields.push_back(FieldsOf(event));
      EXPECT_TRUE((*writer)->Add(event).ok());
      if (i != 0) continue;
      v1::Gap gap;
      gap.set_count(42);
      EXPECT_TRUE((*writer)->AddGap(gap).ok());
    }
    EXPECT_TRUE((*writer)->Close().ok());
    return fields;
  }

  // Reads on past damage; returns how many events there were.
  int ReadAll(std::vector<std::string>* errors) {
    auto reader = RecordingReader::Open(path_);
    EXPECT_TRUE(reader.ok()) << reader.status();
    int events = 0;
    v1::RecordingEntry entry;
    for (;;) {
      const absl::StatusOr<bool> more = (*reader)->Next(&entry);
      if (!more.ok()) {
        errors->emplace_back(Message(more.status()));
        continue;
      }
      if (!*more) return events;
      events += entry.has_event();
    }
  }

  const std::string path_;
};

TEST_F(RecordingTest, ComesBackAsWritten) {
  const auto fields = Write(50);
  auto reader = RecordingReader::Open(path_);
  ASSERT_TRUE(reader.ok()) << reader.status();
  EXPECT_EQ((*reader)->node().SerializeAsString(), SampleNode().SerializeAsString());
  size_t events = 0, gaps = 0;
  v1::RecordingEntry entry;
  std::string argv;
  for (;;) {
    const absl::StatusOr<bool> more = (*reader)->Next(&entry);
    ASSERT_TRUE(more.ok()) << more.status();
    if (!*more) break;
    if (entry.has_gap()) {
      ++gaps;
      EXPECT_EQ(entry.gap().count(), 42u);
      EXPECT_EQ(events, 1u);
      continue;
    }
    Event event;
    ASSERT_TRUE(EventFromProto(entry.event(), &argv, &event));
    ASSERT_LT(events, fields.size());
    EXPECT_EQ(FieldsOf(event), fields[events++]);
  }
  EXPECT_EQ(events, fields.size());
  EXPECT_EQ(gaps, 1u);
}

TEST_F(RecordingTest, IsPrivateAndNeverOverwritten) {
  Write(1);
  EXPECT_EQ(std::filesystem::status(path_).permissions(), std::filesystem::perms(0600));
  EXPECT_FALSE(RecordingWriter::Create(path_, SampleNode()).ok());
}

TEST_F(RecordingTest, DamageCostsWhatItTouchesAndIsLocated) {
  Write(50);
  std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
  const auto middle = static_cast<std::streamoff>(std::filesystem::file_size(path_) / 2);
  file.seekp(middle);
  file.write("damage", 6);
  file.close();
  std::vector<std::string> errors;
  const int events = ReadAll(&errors);
  EXPECT_GE(events, 48);
  EXPECT_LT(events, 50);
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_THAT(errors[0], HasSubstr(path_));
  EXPECT_THAT(errors[0], HasSubstr("damaged bytes at offset"));
}

TEST_F(RecordingTest, KilledRecorder) {
  Write(50);
  std::filesystem::resize_file(path_, std::filesystem::file_size(path_) - 3);
  std::vector<std::string> errors;
  EXPECT_EQ(ReadAll(&errors), 49);
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_THAT(errors[0], HasSubstr("cut off at offset"));
}

TEST_F(RecordingTest, RefusesWhatIsNoRecording) {
  EXPECT_EQ(RecordingReader::Open(path_).status().code(), absl::StatusCode::kNotFound);

  ASSERT_TRUE(WriteFileAtomically(path_, "not a log at all", 0600).ok());
  EXPECT_FALSE(RecordingReader::Open(path_).ok());
  std::filesystem::remove(path_);

  {
    auto log = RecordLogWriter::Create(path_, "something else");
    ASSERT_TRUE(log.ok());
    ASSERT_TRUE((*log)->Close().ok());
  }
  const auto other = RecordingReader::Open(path_);
  EXPECT_EQ(other.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(Message(other.status()), HasSubstr("no recording"));
  std::filesystem::remove(path_);

  {
    auto log = RecordLogWriter::Create(path_, "vakt recording 1");
    ASSERT_TRUE(log.ok());
    ASSERT_TRUE((*log)->Append("\xff\xff").ok());
    ASSERT_TRUE((*log)->Close().ok());
  }
  EXPECT_EQ(RecordingReader::Open(path_).status().code(), absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace vakt
