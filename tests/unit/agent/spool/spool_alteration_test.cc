// SPDX-License-Identifier: Apache-2.0
// What somebody with write access, and what a failing disk, can do to a spool: each of 10,000
// random alterations is found by the scan behind `vaktctl spool verify`; each of 10,000 flipped
// bits costs at most one record, is told, and the queue goes on.
//
// The alterer repairs all checksums. What he is not given is the time to compute the whole chain
// anew from the altered record to the end: that is found only by the head that the collector has,
// as is a set-back copy of the whole directory (docs/formats/spool.md).
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "agent/spool/segment_store.h"
#include "agent/spool/spool_scan.h"
#include "common/recordlog/record_format.h"
#include "tests/support/memory_file_system.h"

namespace vakt {
namespace {

constexpr char kDir[] = "/spool";
constexpr int kTrials = 10'000;
constexpr uint64_t kMaxBytes = 64 << 10;

// A record of a log file, and where it is.
struct Piece {
  RecordHeader header;
  std::string payload;
};

std::vector<Piece> Split(const std::string& file) {
  std::vector<Piece> pieces;
  for (size_t at = 0; at < file.size();) {
    const auto header = ParseRecordHeader(std::string_view(file).substr(at));
    if (!header) break;
    pieces.push_back({*header, file.substr(at + kRecordHeaderBytes, header->payload_bytes)});
    at += kRecordHeaderBytes + header->payload_bytes;
  }
  return pieces;
}

// With the checksums that belong to the payloads, and one log id.
std::string Join(std::vector<Piece> pieces) {
  std::string file;
  for (Piece& piece : pieces) {
    piece.header.log_id = pieces[0].header.log_id;
    piece.header.payload_bytes = static_cast<uint32_t>(piece.payload.size());
    piece.header.payload_crc = PayloadChecksum(piece.payload);
    AppendRecordHeader(piece.header, &file);
    file += piece.payload;
  }
  return file;
}

class SpoolAlterationTest : public ::testing::Test {
 protected:
  SpoolAlterationTest() {
    for (int run = 0; run < 3; ++run) {
      auto store = SegmentStore::Open({kDir, kMaxBytes, 4096}, making_);
      EXPECT_TRUE(store.ok());
      Position position{(*store)->epoch(), 0};
      for (int group = 0; group < 60; ++group) {
        std::vector<OutRecord> records;
        for (int i = 0; i < 3; ++i) {
          ++position.seq;
          records.push_back({position, static_cast<int>(random_() % 8),
                             std::string(100 + random_() % 200, 'x') + ToText(position)});
        }
        EXPECT_TRUE((*store)->Write(records).ok());
        if (run == 0 && group == 20) (*store)->Acknowledge({position.epoch, 40});
        (*store)->Housekeep();
        if (run == 2 && group % 20 == 10) older_.push_back(making_.Clone());
      }
    }
    disk_ = making_.Clone();
    const SpoolScan scan = Scan(*disk_);
    EXPECT_TRUE(scan.intact()) << (scan.findings.empty() ? "" : scan.findings[0].text);
    EXPECT_GT(scan.tombstones, 0u);
    end_ = scan.end;
    const std::vector<std::string> names = disk_->List(kDir).value();
    for (const std::string& name : names) {
      if (ParseSegmentName(name)) files_.push_back(std::string(kDir) + "/" + name);
    }
    EXPECT_GT(files_.size(), 5u);
  }

  static SpoolScan Scan(MemoryFileSystem& disk) {
    auto scan = ScanSpool(disk, kDir);
    EXPECT_TRUE(scan.ok()) << scan.status();
    return *std::move(scan);
  }

  size_t Below(size_t bound) { return random_() % bound; }
  const std::string& AnyFile() { return files_[Below(files_.size())]; }

  // Alters `disk` in one of the ways; says how, or "" if it came out the same.
  std::string Alter(std::unique_ptr<MemoryFileSystem>* disk) {
    const std::string path = AnyFile();
    const std::string before = (*disk)->Contents(path);
    std::vector<Piece> pieces = Split(before);
    const size_t at = Below(pieces.size());
    const size_t behind_header = 1 + Below(pieces.size() - 1);
    std::string how;
    switch (Below(9)) {
      case 0: {
        std::string& payload = pieces[at].payload;
        payload[Below(payload.size())] ^= static_cast<char>(1 + Below(255));
        how = "edit";
        break;
      }
      case 1:
        pieces.erase(pieces.begin() + static_cast<ptrdiff_t>(behind_header));
        how = "delete";
        break;
      case 2:
        std::swap(pieces[at], pieces[behind_header]);
        how = "swap";
        break;
      case 3:
        pieces.resize(behind_header);
        how = "truncate at a record";
        break;
      case 4: {
        const std::vector<Piece> others = Split((*disk)->Contents(AnyFile()));
        pieces.insert(pieces.begin() + static_cast<ptrdiff_t>(behind_header),
                      others[1 + Below(others.size() - 1)]);
        how = "splice";
        break;
      }
      case 5:
        (*disk)->SetContents(path, before.substr(0, Below(before.size())));
        return "truncate anywhere";
      case 6:
        EXPECT_TRUE((*disk)->Unlink(path).ok());
        return "delete a segment";
      case 7: {
        const std::string& other = AnyFile();
        if (other == path) return "";
        const std::string contents = (*disk)->Contents(other);
        (*disk)->SetContents(other, before);
        (*disk)->SetContents(path, contents);
        return "swap segments";
      }
      case 8:
        *disk = older_[Below(older_.size())]->Clone();
        return "roll back";
    }
    const std::string after = Join(std::move(pieces));
    (*disk)->SetContents(path, after);
    return after == before ? "" : how + " in " + path;
  }

  std::mt19937 random_{7};
  MemoryFileSystem making_;
  std::vector<std::unique_ptr<MemoryFileSystem>> older_;
  std::unique_ptr<MemoryFileSystem> disk_;
  std::vector<std::string> files_;
  ChainPoint end_;
};

TEST_F(SpoolAlterationTest, EveryAlterationIsFound) {
  int altered = 0;
  while (altered < kTrials) {
    std::unique_ptr<MemoryFileSystem> disk = disk_->Clone();
    const std::string how = Alter(&disk);
    if (how.empty()) continue;
    ++altered;
    SpoolScan scan = Scan(*disk);
    CheckWitness(*disk, kDir, end_.position, end_.hash, &scan);
    ASSERT_FALSE(scan.intact()) << how << ", alteration " << altered;
  }
}

TEST_F(SpoolAlterationTest, WithoutTheCollectorOnlyAnOlderCopyOfAllIsNotFound) {
  for (const auto& older : older_) EXPECT_TRUE(Scan(*older).intact());
}

TEST_F(SpoolAlterationTest, AChainComputedAnewIsFoundByTheCollectorsHead) {
  std::vector<Piece> pieces = Split(disk_->Contents(files_.back()));
  StoredRecord stored;
  ASSERT_TRUE(DecodeSpoolRecord(pieces[1].payload, &stored));
  stored.record.bytes = "forged";
  for (size_t i = 1; i < pieces.size(); ++i) {
    EncodeSpoolRecord(stored, &pieces[i].payload);
    if (i + 1 == pieces.size()) break;
    const ChainHash after = stored.after();
    ASSERT_TRUE(DecodeSpoolRecord(pieces[i + 1].payload, &stored));
    stored.before = after;
  }
  disk_->SetContents(files_.back(), Join(pieces));
  ASSERT_TRUE(
      WriteSpoolState(*disk_, kDir,
                      {Scan(*disk_).state->acknowledged, {end_.position, stored.after()}, true})
          .ok());
  SpoolScan scan = Scan(*disk_);
  EXPECT_TRUE(scan.intact()) << "whoever can write all files can compute a chain of his own";
  CheckWitness(*disk_, kDir, end_.position, end_.hash, &scan);
  EXPECT_FALSE(scan.intact());
}

TEST_F(SpoolAlterationTest, AFlippedBitCostsOneRecordAtMostAndTheQueueGoesOn) {
  const auto read_all = [](MemoryFileSystem& disk, uint64_t* told) {
    auto store = SegmentStore::Open({kDir, kMaxBytes, 4096}, disk);
    EXPECT_TRUE(store.ok()) << store.status();
    std::vector<OutRecord> records;
    (*store)->Read({}, 100'000, 1 << 30, &records);
    *told = static_cast<uint64_t>(
        std::count_if(records.begin(), records.end(), [](const OutRecord& record) {
          return record.bytes.starts_with("1 records") && record.bytes.ends_with("spool_corrupt");
        }));
    EXPECT_TRUE((*store)->Write({{{{(*store)->epoch(), 1}, 2, "new"}}}).ok());
    EXPECT_TRUE((*store)->HasAfter(records.back().position));
    return records.size();
  };
  uint64_t told = 0;
  const size_t all = read_all(*disk_->Clone(), &told);
  ASSERT_EQ(told, 0u);
  for (int trial = 0; trial < kTrials; ++trial) {
    const std::unique_ptr<MemoryFileSystem> disk = disk_->Clone();
    const std::string path = AnyFile();
    const size_t at = Below(disk->Contents(path).size());
    disk->FlipBit(path, at, static_cast<int>(Below(8)));
    ASSERT_FALSE(Scan(*disk).intact()) << path << " at " << at;
    ASSERT_EQ(read_all(*disk, &told), all) << path << " at " << at;  // a gap in its place
    ASSERT_LE(told, 1u) << path << " at " << at;
  }
}

}  // namespace
}  // namespace vakt
