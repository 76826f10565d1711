// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "common/recordlog/crc32c.h"
#include "common/recordlog/record_format.h"
#include "common/recordlog/record_log_reader.h"
#include "common/recordlog/record_log_writer.h"
#include "tests/support/memory_file_system.h"

namespace vakt {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr char kPath[] = "/log";

// What a reader makes of a file: the payloads, and one entry in `damage` per damaged area.
struct Contents {
  std::vector<std::string> payloads;
  std::vector<ReadResult> damage;
  uint64_t skipped_bytes = 0;
};

Contents ReadAll(RecordLogReader& reader) {
  Contents contents;
  for (std::string payload;;) {
    const ReadResult result = reader.Next(&payload);
    if (result == ReadResult::kEnd) return contents;
    EXPECT_NE(result, ReadResult::kError) << reader.status();
    if (result == ReadResult::kError) return contents;
    if (result == ReadResult::kOk) {
      contents.payloads.push_back(payload);
    } else {
      contents.damage.push_back(result);
      contents.skipped_bytes += reader.skipped_bytes();
    }
  }
}

class RecordLogTest : public ::testing::Test {
 protected:
  // Writes a log of `payloads` and returns its bytes.
  std::string Write(const std::vector<std::string>& payloads, std::string_view header = "head") {
    MemoryFileSystem scratch;
    auto writer = RecordLogWriter::Create(kPath, header, scratch);
    EXPECT_TRUE(writer.ok()) << writer.status();
    for (const std::string& payload : payloads) {
      begins_.push_back((*writer)->size_bytes());
      EXPECT_TRUE((*writer)->Append(payload).ok());
    }
    EXPECT_TRUE((*writer)->Close().ok());
    return scratch.Contents(kPath);
  }

  Contents Read(const std::string& bytes) {
    file_system_.SetContents(kPath, bytes);
    auto reader = RecordLogReader::Open(kPath, file_system_);
    EXPECT_TRUE(reader.ok()) << reader.status();
    return reader.ok() ? ReadAll(**reader) : Contents{};
  }

  MemoryFileSystem file_system_;
  std::vector<uint64_t> begins_;  // offset of each record of the last Write
};

TEST(Crc32cTest, KnownValues) {
  EXPECT_EQ(Crc32c(""), 0u);
  EXPECT_EQ(Crc32c("123456789"), 0xe3069283u);
  EXPECT_EQ(Crc32c(std::string(32, '\0')), 0x8a9136aau);  // RFC 3720 B.4
  EXPECT_EQ(Crc32c(std::string(32, '\xff')), 0x62a8ab43u);
}

TEST(Crc32cTest, InstructionAndTableAgree) {
  std::mt19937 random(1);
  std::string bytes;
  for (int size = 0; size < 200; ++size) {
    EXPECT_EQ(ExtendCrc32c(7, bytes), ExtendCrc32cPortable(7, bytes)) << size;
    bytes.push_back(static_cast<char>(random()));
  }
}

TEST(Crc32cTest, ExtendsPieceByPiece) {
  EXPECT_EQ(ExtendCrc32c(Crc32c("one "), "two"), Crc32c("one two"));
}

TEST(RecordFormatTest, HeaderRoundTrip) {
  std::string bytes;
  AppendRecordHeader({0x11223344, 2, 0x55, 77, 0x99aabbcc}, &bytes);
  ASSERT_EQ(bytes.size(), kRecordHeaderBytes);
  const auto header = ParseRecordHeader(bytes);
  ASSERT_TRUE(header.has_value());
  EXPECT_EQ(header->log_id, 0x11223344u);
  EXPECT_EQ(header->type, 2);
  EXPECT_EQ(header->flags, 0x55);
  EXPECT_EQ(header->payload_bytes, 77u);
  EXPECT_EQ(header->payload_crc, 0x99aabbccu);
}

TEST(RecordFormatTest, AnyFlippedBitOfTheHeaderIsSeen) {
  std::string bytes;
  AppendRecordHeader({1, 2, 0, 4, 5}, &bytes);
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string flipped = bytes;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_FALSE(ParseRecordHeader(flipped).has_value()) << "bit " << bit;
  }
}

TEST_F(RecordLogTest, RoundTrip) {
  const std::vector<std::string> payloads = {"one", "", std::string(200'000, 'x'), "four"};
  file_system_.SetContents(kPath, Write(payloads, "about this log"));
  auto reader = RecordLogReader::Open(kPath, file_system_);
  ASSERT_TRUE(reader.ok()) << reader.status();
  EXPECT_TRUE((*reader)->header_intact());
  EXPECT_EQ((*reader)->header(), "about this log");
  const Contents contents = ReadAll(**reader);
  EXPECT_EQ(contents.payloads, payloads);
  EXPECT_THAT(contents.damage, IsEmpty());
}

TEST_F(RecordLogTest, SeekReadsFromARecord) {
  file_system_.SetContents(kPath, Write({"one", "two", "three"}));
  auto reader = RecordLogReader::Open(kPath, file_system_);
  ASSERT_TRUE(reader.ok());
  (*reader)->Seek(begins_[1]);
  EXPECT_THAT(ReadAll(**reader).payloads, ElementsAre("two", "three"));
}

TEST_F(RecordLogTest, StopsAtTheGivenEndAndGoesOnWhenItMoves) {
  file_system_.SetContents(kPath, Write({"one", "two", "three"}));
  auto reader = RecordLogReader::Open(kPath, file_system_);
  ASSERT_TRUE(reader.ok());
  (*reader)->SetEnd(begins_[1]);
  EXPECT_THAT(ReadAll(**reader).payloads, ElementsAre("one"));
  (*reader)->SetEnd(file_system_.Contents(kPath).size());
  EXPECT_THAT(ReadAll(**reader).payloads, ElementsAre("two", "three"));
}

TEST_F(RecordLogTest, ATornTailCostsOnlyTheTornRecord) {
  const std::string bytes = Write({"one", "two", "three"});
  for (size_t size = begins_[2]; size < bytes.size(); ++size) {
    const Contents contents = Read(bytes.substr(0, size));
    EXPECT_THAT(contents.payloads, ElementsAre("one", "two")) << size;
    if (size == begins_[2]) {
      EXPECT_THAT(contents.damage, IsEmpty());
    } else {
      EXPECT_THAT(contents.damage, ElementsAre(ReadResult::kTornTail)) << size;
    }
  }
}

TEST_F(RecordLogTest, AFlippedBitCostsOnlyItsRecord) {
  const std::string bytes = Write({"one", "two", "three"});
  for (size_t bit = begins_[1] * 8; bit < begins_[2] * 8; ++bit) {
    std::string flipped = bytes;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    const Contents contents = Read(flipped);
    EXPECT_THAT(contents.payloads, ElementsAre("one", "three")) << "bit " << bit;
    EXPECT_THAT(contents.damage, ElementsAre(ReadResult::kCorrupt));
    EXPECT_EQ(contents.skipped_bytes, begins_[2] - begins_[1]);
  }
}

TEST_F(RecordLogTest, ADamagedFileHeaderCostsNoRecord) {
  const std::string bytes = Write({"one", "two"});
  for (size_t i = 0; i < begins_[0]; ++i) {
    std::string damaged = bytes;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x10);
    EXPECT_THAT(Read(damaged).payloads, ElementsAre("one", "two")) << "byte " << i;
  }
}

TEST_F(RecordLogTest, LostPagesInTheMiddleCostTheRecordsOnThem) {
  const std::vector<std::string> payloads(100, std::string(1000, 'p'));
  std::string bytes = Write(payloads);
  std::fill(bytes.begin() + 40'960, bytes.begin() + 45'056, '\0');
  const Contents contents = Read(bytes);
  EXPECT_GE(contents.payloads.size(), 94u);
  EXPECT_THAT(contents.damage, testing::Each(ReadResult::kCorrupt));
}

TEST_F(RecordLogTest, ARecordPlantedInsideAPayloadIsNotRead) {
  const std::string planted = Write({"forged"});
  const std::string bytes = Write({"one", "before " + planted + " after", "three"});
  std::string damaged = bytes;
  damaged[begins_[2] + 12] = 'X';  // its length: the reader has to search. begins_[0] is `forged`
  EXPECT_THAT(Read(damaged).payloads, ElementsAre("one", "three"));
}

TEST_F(RecordLogTest, AFileWithoutAnyRecordIsRefused) {
  for (const std::string& bytes :
       {std::string(), std::string("not a log"), std::string(99, '\0')}) {
    file_system_.SetContents(kPath, bytes);
    EXPECT_EQ(RecordLogReader::Open(kPath, file_system_).status().code(),
              absl::StatusCode::kInvalidArgument);
  }
  EXPECT_EQ(RecordLogReader::Open("/missing", file_system_).status().code(),
            absl::StatusCode::kNotFound);
}

TEST_F(RecordLogTest, ANewerFormatIsNamed) {
  std::string bytes = Write({"one"});
  bytes[8] = 2;
  bytes.resize(begins_[0]);
  file_system_.SetContents(kPath, bytes);
  EXPECT_EQ(RecordLogReader::Open(kPath, file_system_).status().code(),
            absl::StatusCode::kUnimplemented);
}

TEST_F(RecordLogTest, AnyDamageGivesOnlyTrueRecords) {
  std::mt19937 random(7);
  std::vector<std::string> payloads;
  for (int i = 0; i < 40; ++i)
    payloads.push_back(std::to_string(i) + std::string(random() % 50, '.'));
  const std::string bytes = Write(payloads);
  for (int round = 0; round < 2000; ++round) {
    std::string damaged = bytes;
    for (unsigned hits = random() % 6; hits > 0; --hits) {
      damaged[random() % damaged.size()] = static_cast<char>(random());
    }
    damaged.resize(damaged.size() - random() % 40);
    size_t next = 0;  // the payloads read must be a subsequence of those written
    for (const std::string& payload : Read(damaged).payloads) {
      while (next < payloads.size() && payloads[next] != payload) ++next;
      ASSERT_LT(next, payloads.size()) << "round " << round << ": made up a record";
      ++next;
    }
  }
}

TEST_F(RecordLogTest, ErrorsOfTheDiskAreFinal) {
  auto writer = RecordLogWriter::Create(kPath, "", file_system_);
  ASSERT_TRUE(writer.ok());
  ASSERT_TRUE((*writer)->Append("one").ok());
  file_system_.FailNext(FileOperation::kSync, absl::DataLossError("EIO"));
  EXPECT_EQ((*writer)->Sync().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ((*writer)->Sync().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ((*writer)->Append("two").code(), absl::StatusCode::kDataLoss);
}

TEST_F(RecordLogTest, TooLargeARecordIsRefusedAndTheLogGoesOn) {
  auto writer = RecordLogWriter::Create(kPath, "", file_system_);
  ASSERT_TRUE(writer.ok());
  EXPECT_EQ((*writer)->Append(std::string(kMaxRecordPayloadBytes + 1, 'x')).code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE((*writer)->Append("small").ok());
  EXPECT_TRUE((*writer)->Close().ok());
}

}  // namespace
}  // namespace vakt
