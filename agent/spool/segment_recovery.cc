// SPDX-License-Identifier: Apache-2.0
#include "agent/spool/segment_recovery.h"

#include <cstdio>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "common/base/log.h"
#include "common/base/status.h"
#include "common/recordlog/record_format.h"
#include "common/recordlog/record_log_reader.h"

namespace vakt {
namespace {

constexpr size_t kMaxQuarantinedFiles = 64;

std::optional<uint64_t> SegmentNumber(const std::string& name) {
  uint64_t number = 0;
  absl::string_view digits = name;
  if (!absl::ConsumeSuffix(&digits, ".seg") || !absl::SimpleAtoi(digits, &number)) return {};
  return number;
}

// Recovery in the order of segment numbers. `last_` is the newest record kept so far.
class Recoverer {
 public:
  Recoverer(FileSystem& file_system, const std::string& dir)
      : file_system_(file_system), dir_(dir) {}

  void Add(uint64_t number) {
    spool_.next_number = number + 1;
    absl::StatusOr<std::unique_ptr<RecordLogReader>> reader =
        RecordLogReader::Open(SegmentPath(dir_, number), file_system_);
    if (!reader.ok()) return GiveUp(number, reader.status());
    Segment segment{.number = number};
    Scan(**reader, &segment);
    if (segment.index.empty()) {
      Delete(number);  // created, or written and never synced
    } else {
      spool_.segments.push_back(std::move(segment));
    }
  }

  RecoveredSpool Finish() {
    for (const Position& before : damage_) ReportLoss(before);
    return std::move(spool_);
  }

 private:
  void Scan(RecordLogReader& reader, Segment* segment) {
    OutRecord record;
    if (!reader.header_intact()) ++spool_.corrupt;
    for (std::string payload;;) {
      const ReadResult result = reader.Next(&payload);
      if (result == ReadResult::kEnd) return;
      if (result == ReadResult::kOk && DecodeSpoolRecord(payload, &record)) {
        Keep(record.position, reader, segment);
        continue;
      }
      // A torn tail is what a crash leaves of records that were never durable. It is a loss only
      // if the stream goes on behind it with a hole; Finish() knows.
      damage_.push_back(Last(*segment));
      if (result != ReadResult::kTornTail) ++spool_.corrupt;
      if (result == ReadResult::kError) {
        LogError(absl::StrCat("spool: ", reader.status().ToString(), ": rest of segment skipped"));
        return;
      }
    }
  }

  void Keep(Position position, const RecordLogReader& reader, Segment* segment) {
    if (position <= segment->index.last()) return;
    if (segment->index.empty()) Supersede(position);
    segment->index.Add(position, reader.record_offset());
    segment->end_bytes = reader.offset();
  }

  // After a failed write or sync, the records of that group were written again, whole, to the next
  // segment. What the older segment has of them is a copy that may have holes.
  void Supersede(Position first) {
    while (!spool_.segments.empty() && spool_.segments.back().index.last() >= first) {
      spool_.segments.back().index.RemoveFrom(first);
      if (!spool_.segments.back().index.empty()) return;
      Delete(spool_.segments.back().number);
      spool_.segments.pop_back();
    }
  }

  Position Last(const Segment& segment) const {
    if (!segment.index.empty()) return segment.index.last();
    return spool_.segments.empty() ? Position{} : spool_.segments.back().index.last();
  }

  // Damage right behind `before` has cost the sequence numbers up to the next record there is.
  void ReportLoss(Position before) {
    for (const Segment& segment : spool_.segments) {
      const Position next = segment.index.FirstAfter(before);
      if (next == Position{}) continue;
      if (next.epoch != before.epoch || next.seq <= before.seq + 1) return;
      const ShedRange lost{next.seq - before.seq - 1,
                           {before.epoch, before.seq + 1},
                           {before.epoch, next.seq - 1},
                           ShedReason::kCorrupt};
      if (spool_.lost.empty() || spool_.lost.back().first != lost.first)
        spool_.lost.push_back(lost);
      return;
    }
  }

  void GiveUp(uint64_t number, const absl::Status& why) {
    if (absl::IsInvalidArgument(why)) return Discard(number);
    LogError(absl::StrCat("spool: segment put aside in ", dir_, "/quarantine: ", why.ToString()));
    damage_.push_back(Last(Segment{}));
    ++spool_.corrupt;
    Quarantine(number);
  }

  // A segment without a single record header: a crash before its first sync leaves less than one
  // header, or zeros. Anything else was once good.
  void Discard(uint64_t number) {
    constexpr size_t kLookedAtBytes = 4096;
    char bytes[kLookedAtBytes] = {};
    absl::StatusOr<std::unique_ptr<ReadableFile>> file =
        file_system_.Open(SegmentPath(dir_, number));
    const absl::StatusOr<size_t> got =
        file.ok() ? (*file)->ReadAt(0, sizeof(bytes), bytes) : file.status();
    const bool blank = got.ok() && (*got < kRecordHeaderBytes ||
                                    std::string_view(bytes, *got).find_first_not_of('\0') ==
                                        std::string_view::npos);
    if (blank) return Delete(number);
    damage_.push_back(Last(Segment{}));
    ++spool_.corrupt;
    Quarantine(number);
  }

  void Quarantine(uint64_t number) {
    ++spool_.quarantined;
    Warn(QuarantineSegment(file_system_, dir_, number));
  }

  void Delete(uint64_t number) { Warn(file_system_.Unlink(SegmentPath(dir_, number))); }

  void Warn(const absl::Status& status) {
    if (!status.ok()) LogWarning(absl::StrCat("spool: ", status.ToString()));
  }

  FileSystem& file_system_;
  const std::string& dir_;
  RecoveredSpool spool_;
  std::vector<Position> damage_;  // each: the last record kept before a damaged place
};

}  // namespace

std::string SegmentPath(const std::string& dir, uint64_t number) {
  return absl::StrFormat("%s/%020d.seg", dir, number);
}

absl::Status QuarantineSegment(FileSystem& file_system, const std::string& dir, uint64_t number) {
  const std::string quarantine = dir + "/quarantine";
  VAKT_RETURN_IF_ERROR(file_system.MakeDirectory(quarantine));
  VAKT_ASSIGN_OR_RETURN(const std::vector<std::string> kept, file_system.List(quarantine));
  const std::string path = SegmentPath(dir, number);
  if (kept.size() >= kMaxQuarantinedFiles) return file_system.Unlink(path);
  return file_system.Rename(path, SegmentPath(quarantine, number));
}

absl::StatusOr<RecoveredSpool> RecoverSpool(FileSystem& file_system, const std::string& dir) {
  VAKT_ASSIGN_OR_RETURN(const std::vector<std::string> names, file_system.List(dir));
  Recoverer recoverer(file_system, dir);
  for (const std::string& name : names) {  // sorted; numbers have leading zeros
    if (const std::optional<uint64_t> number = SegmentNumber(name)) recoverer.Add(*number);
  }
  return recoverer.Finish();
}

}  // namespace vakt
