// SPDX-License-Identifier: Apache-2.0
// Reads one segment from a place in the chain to another, past damage: whatever is missing between
// the two comes as a tombstone, so that every position in between is accounted for.
//
// Owned by one thread (thread-compatible). The file's bytes are untrusted.
#ifndef VAKT_AGENT_SPOOL_SEGMENT_READER_H_
#define VAKT_AGENT_SPOOL_SEGMENT_READER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "agent/spool/position.h"
#include "agent/spool/segment.h"
#include "agent/spool/spool_record.h"
#include "common/recordlog/file_system.h"
#include "common/recordlog/record_log_reader.h"

namespace vakt {

// Bytes of a file that are no record.
struct DamagedBytes {
  SegmentName name;
  uint64_t offset = 0;
  uint64_t bytes = 0;
  Position after;  // the last record before it
};

class SegmentReader {
 public:
  // A file that cannot be opened reads as one that is damaged from beginning to end; status() says
  // why. `codec` may be null.
  SegmentReader(FileSystem& file_system, const std::string& dir, const SegmentSpan& segment,
                const RecordCodec* codec);

  // The next record or tombstone; false at the end.
  bool Next(StoredRecord* stored);

  // Goes on at `offset`, where a record begins that is not after `after`, and passes over
  // everything up to `after`.
  void Seek(uint64_t offset, Position after);
  // The segment has grown to here meanwhile.
  void Extend(const ChainPoint& end, uint64_t end_bytes);

  // How far Next came.
  Position at() const { return at_; }
  // Where the record that Next returned last begins and ends in the file.
  uint64_t record_offset() const { return log_ ? log_->record_offset() : 0; }
  uint64_t offset() const { return log_ ? log_->offset() : 0; }
  const std::vector<DamagedBytes>& damage() const { return damage_; }
  // Not OK if the file could not be opened or read.
  const absl::Status& status() const { return status_; }

 private:
  bool NextInFile(StoredRecord* stored);
  void NoteDamage(bool tail);
  // Whether records are missing before `next`, which is behind at_.
  bool IsHole(const StoredRecord& next);
  // The chain's hash at at_, if it is known.
  std::optional<ChainHash> HashHere();
  StoredRecord HoleUpTo(Position last, const ChainHash& after);
  void Pass(const StoredRecord& stored);

  const SegmentName name_;
  const RecordCodec* const codec_;
  ChainPoint end_;
  std::unique_ptr<RecordLogReader> log_;
  absl::Status status_;

  Position at_;                         // the last position accounted for
  std::optional<ChainHash> hash_here_;  // at at_, if it was computed
  std::string payload_;                 // of the record at at_, to compute it from
  std::string next_payload_;
  bool payload_is_here_ = false;
  bool damaged_since_ = false;  // since at_
  std::optional<StoredRecord> held_;
  std::vector<DamagedBytes> damage_;
};

}  // namespace vakt

#endif  // VAKT_AGENT_SPOOL_SEGMENT_READER_H_
