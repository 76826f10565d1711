// SPDX-License-Identifier: Apache-2.0
#include "agent/spool/segment_reader.h"

#include <utility>

#include "common/recordlog/record_format.h"

namespace vakt {

SegmentReader::SegmentReader(FileSystem& file_system, const std::string& dir,
                             const SegmentSpan& segment, const RecordCodec* codec)
    : name_(segment.name),
      codec_(codec),
      end_(segment.end),
      at_(segment.begin.position),
      hash_here_(segment.begin.hash) {
  auto log = RecordLogReader::Open(SegmentPath(dir, name_), file_system);
  if (!log.ok()) {
    status_ = log.status();
    return;
  }
  log_ = *std::move(log);
  log_->SetEnd(segment.end_bytes);
}

void SegmentReader::Seek(uint64_t offset, Position after) {
  if (log_) log_->Seek(offset);
  at_ = after;
  hash_here_.reset();
  payload_is_here_ = damaged_since_ = false;
  held_.reset();
}

void SegmentReader::Extend(const ChainPoint& end, uint64_t end_bytes) {
  end_ = end;
  if (log_) log_->SetEnd(end_bytes);
}

bool SegmentReader::Next(StoredRecord* stored) {
  if (held_) {
    *stored = *std::exchange(held_, std::nullopt);
    Pass(*stored);
    return true;
  }
  while (NextInFile(stored)) {
    if (stored->last() <= at_) {  // a copy, or before the place that was sought
      if (stored->last() == at_) Pass(*stored);
      continue;
    }
    if (stored->first() > end_.position) break;  // written again, to a later segment
    if (IsHole(*stored)) {
      const Position first = stored->first();
      const ChainHash after = stored->before;
      held_ = std::move(*stored);  // its payload stays in next_payload_
      *stored = HoleUpTo(
          first.seq > 1 ? Position{first.epoch, first.seq - 1} : Position{at_.epoch, at_.seq + 1},
          after);
      at_ = stored->last();
      hash_here_ = after;
      payload_is_here_ = false;
      return true;
    }
    Pass(*stored);
    return true;
  }
  if (at_ >= end_.position) return false;
  *stored = HoleUpTo(end_.position, end_.hash);
  at_ = end_.position;
  hash_here_ = end_.hash;
  payload_is_here_ = false;
  return true;
}

bool SegmentReader::NextInFile(StoredRecord* stored) {
  while (log_ && status_.ok()) {
    const ReadResult result = log_->Next(&next_payload_);
    if (result == ReadResult::kEnd) return false;
    if (result == ReadResult::kError) {
      status_ = log_->status();
      return false;
    }
    if (result == ReadResult::kOk && DecodeSpoolRecord(next_payload_, stored)) return true;
    damaged_since_ = true;
    if (result == ReadResult::kOk) {
      damage_.push_back(
          {name_, log_->record_offset(), log_->offset() - log_->record_offset(), at_});
    } else {
      damage_.push_back({name_, log_->skipped_offset(), log_->skipped_bytes(), at_});
    }
  }
  return false;
}

std::optional<ChainHash> SegmentReader::HashHere() {
  if (!hash_here_ && payload_is_here_) {
    StoredRecord here;
    if (DecodeSpoolRecord(payload_, &here)) hash_here_ = here.after();
  }
  return hash_here_;
}

bool SegmentReader::IsHole(const StoredRecord& next) {
  const Position first = next.first();
  const bool joins = first.epoch == at_.epoch
                         ? first.seq <= at_.seq + 1
                         : first.seq <= 1 && (!damaged_since_ || at_ == Position{});
  if (joins) return false;
  const std::optional<ChainHash> here = HashHere();
  return here ? *here != next.before : damaged_since_;
}

StoredRecord SegmentReader::HoleUpTo(Position last, const ChainHash& after) {
  Tombstone hole;
  hole.last = last;
  // Of an epoch that ended meanwhile nothing is known that the chain does not say.
  hole.first = {last.epoch, at_.epoch == last.epoch ? at_.seq + 1 : 1};
  hole.count = last.seq - hole.first.seq + 1;
  hole.reason = LossReason::kCorrupt;
  StoredRecord neighbour;
  const bool follows = held_ && !held_->tombstone && held_->record.position.epoch == last.epoch;
  const bool precedes = payload_is_here_ && at_.epoch == last.epoch &&
                        DecodeSpoolRecord(payload_, &neighbour) && !neighbour.tombstone;
  if (codec_ != nullptr && (follows || precedes)) {
    const RecordCodec::Facts facts =
        codec_->Describe(follows ? held_->record.bytes : neighbour.record.bytes);
    hole.boot_id = facts.boot_id;
    hole.begin_wall_ns = hole.end_wall_ns = facts.wall_ns;
  }
  return MakeStoredTombstone(std::move(hole), HashHere().value_or(ChainHash{}), after);
}

void SegmentReader::Pass(const StoredRecord& stored) {
  at_ = stored.last();
  std::swap(payload_, next_payload_);
  payload_is_here_ = true;
  hash_here_.reset();
  damaged_since_ = false;
}

}  // namespace vakt
