// SPDX-License-Identifier: Apache-2.0
// The reading half of SegmentStore: durable records come back from their files, past damage.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "agent/spool/quarantine.h"
#include "agent/spool/segment_store.h"
#include "common/base/log.h"
#include "common/base/status.h"

namespace vakt {

class SegmentStore::Batch {
 public:
  Batch(Position after, size_t max_records, size_t max_bytes, const RecordCodec* codec,
        std::vector<OutRecord>* out)
      : after_(after),
        records_left_(max_records),
        bytes_left_(max_bytes),
        codec_(codec),
        out_(out) {}

  Position after() const { return after_; }
  bool full() const { return records_left_ == 0; }
  size_t taken() const { return taken_; }

  bool Fits(const StoredRecord& stored) const {
    return taken_ == 0 || stored.tombstone || stored.record.bytes.size() <= bytes_left_;
  }

  void Take(StoredRecord stored) {
    last_is_tombstone_ = stored.tombstone.has_value();
    last_hash_ = stored.tombstone ? stored.tombstone_after : stored.before;
    const bool cut = stored.tombstone && stored.first() <= after_;
    if (taken_++ == 0 && !cut) before_ = stored.before;
    if (stored.tombstone) Bury(&stored, cut);
    after_ = stored.last();
    bytes_left_ -= std::min(bytes_left_, stored.record.bytes.size());
    --records_left_;
    out_->push_back(std::move(stored.record));
  }

  ChainSpan chain() const {
    ChainSpan span;
    span.before = before_;
    if (taken_ == 0) return span;
    const OutRecord& last = out_->back();
    span.after = last_is_tombstone_
                     ? last_hash_
                     : NextChainHash(last_hash_, {last.position.epoch, last.position.seq,
                                                  static_cast<uint8_t>(last.priority), last.bytes});
    return span;
  }

 private:
  // Of records that the collector has got before they were given up, nothing is told.
  void Bury(StoredRecord* stored, bool cut) {
    Tombstone& tombstone = *stored->tombstone;
    if (cut) {
      tombstone.first.seq = after_.seq + 1;
      tombstone.count = std::min(tombstone.count, tombstone.last.seq - after_.seq);
      tombstone.by_priority.clear();
    }
    stored->record.priority = kNotePriority;
    stored->record.bytes =
        codec_ != nullptr
            ? codec_->Encode(tombstone, stored->tombstone_after)
            : absl::StrCat(tombstone.count, " records from ", ToText(tombstone.first), " to ",
                           ToText(tombstone.last),
                           " are gone: ", std::string(LossReasonName(tombstone.reason)));
  }

  Position after_;
  size_t records_left_;
  size_t bytes_left_;
  size_t taken_ = 0;
  const RecordCodec* const codec_;
  std::vector<OutRecord>* const out_;
  std::optional<ChainHash> before_;
  ChainHash last_hash_ = {};  // before the last record, or after it if that is a tombstone
  bool last_is_tombstone_ = false;
};

size_t SegmentStore::Read(Position after, size_t max_records, size_t max_bytes,
                          std::vector<OutRecord>* out, ChainSpan* chain) {
  Batch batch(after, max_records, max_bytes, options_.codec, out);
  std::lock_guard lock(read_mutex_);
  SegmentView view;
  while (!batch.full() && FindSegment(batch.after(), &view)) {
    if (!ReadSegment(view, &batch)) break;
  }
  if (chain != nullptr) *chain = batch.chain();
  return batch.taken();
}

bool SegmentStore::FindSegment(Position after, SegmentView* view) const {
  std::lock_guard lock(mutex_);
  for (const Segment& segment : segments_) {
    if (segment.end.position <= after) continue;
    static_cast<SegmentSpan&>(*view) = segment;
    view->offset = segment.index.OffsetBefore(after);
    return true;
  }
  return false;
}

// False if the file went away because its segment was rewritten: look again.
bool SegmentStore::MoveCursor(const SegmentView& view, Position after) {
  if (cursor_.reader != nullptr && cursor_.name == view.name) {
    cursor_.reader->Extend(view.end, view.end_bytes);
    if (cursor_.after != after) cursor_.reader->Seek(view.offset, after);
    cursor_.after = after;
    return true;
  }
  cursor_ = {after, view.name,
             std::make_unique<SegmentReader>(file_system_, options_.dir, view, options_.codec)};
  if (after > view.begin.position) cursor_.reader->Seek(view.offset, after);
  SegmentView again;
  return !absl::IsNotFound(cursor_.reader->status()) ||
         (FindSegment(after, &again) && again.name == view.name);
}

bool SegmentStore::ReadSegment(const SegmentView& view, Batch* batch) {
  if (!MoveCursor(view, batch->after())) {
    cursor_ = {};
    return true;
  }
  SegmentReader& reader = *cursor_.reader;
  bool more = true;
  for (StoredRecord stored; more && reader.Next(&stored);) {
    if (batch->Fits(stored)) {
      batch->Take(std::move(stored));
      more = !batch->full();
    } else {
      reader.Seek(reader.record_offset(), batch->after());
      more = false;
    }
  }
  cursor_.after = batch->after();
  NoteDamage();
  if (!reader.status().ok()) cursor_ = {};
  return more;
}

void SegmentStore::NoteDamage() {
  for (const DamagedBytes& damage : cursor_.reader->damage()) {
    if (!damage_noted_.insert({damage.name, damage.offset}).second) continue;
    LogError(absl::StrCat("spool: ", SegmentPath(options_.dir, damage.name), ": ", damage.bytes,
                          " bytes at ", damage.offset, " are damaged"));
    const absl::Status status = QuarantineBytes(file_system_, options_.dir, damage);
    if (!status.ok()) LogWarning(absl::StrCat("spool: ", status.ToString()));
    std::lock_guard lock(mutex_);
    ++stats_.corrupt;
    ++stats_.quarantined;
  }
  const absl::Status& status = cursor_.reader->status();
  if (!status.ok() && damage_noted_.insert({cursor_.name, UINT64_MAX}).second) {
    LogError(absl::StrCat("spool: ", status.ToString(), ": records of this segment are lost"));
    std::lock_guard lock(mutex_);
    ++stats_.corrupt;
  }
}

}  // namespace vakt
