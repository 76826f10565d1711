// SPDX-License-Identifier: Apache-2.0
// The reading half of SegmentStore: durable records come back from their files, past damage.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "agent/spool/segment_store.h"
#include "common/base/log.h"
#include "common/base/status.h"

namespace vakt {

size_t SegmentStore::Read(Position after, size_t max_records, size_t max_bytes,
                          std::vector<OutRecord>* out) {
  const size_t before = out->size();
  ReadLimits limits{max_records, max_bytes};
  std::lock_guard lock(read_mutex_);
  SegmentView view;
  while (limits.records > 0 && FindSegment(after, &view)) {
    if (!ReadSegment(view, &after, &limits, out)) break;
  }
  return out->size() - before;
}

bool SegmentStore::FindSegment(Position after, SegmentView* view) const {
  std::lock_guard lock(mutex_);
  for (const Segment& segment : segments_) {
    if (segment.index.last() <= after) continue;
    *view = {segment.number, segment.index.OffsetBefore(after), segment.end_bytes,
             segment.index.last()};
    return true;
  }
  return false;
}

absl::Status SegmentStore::OpenCursor(const SegmentView& view, Position after) {
  if (cursor_.number == view.number && cursor_.reader != nullptr) {
    cursor_.reader->SetEnd(view.end_bytes);
    if (cursor_.after != after) cursor_.reader->Seek(view.offset);
    return absl::OkStatus();
  }
  cursor_ = {};
  VAKT_ASSIGN_OR_RETURN(
      cursor_.reader, RecordLogReader::Open(SegmentPath(options_.dir, view.number), file_system_));
  cursor_.number = view.number;
  cursor_.reader->SetEnd(view.end_bytes);
  cursor_.reader->Seek(view.offset);
  return absl::OkStatus();
}

bool SegmentStore::ReadSegment(const SegmentView& view, Position* after, ReadLimits* limits,
                               std::vector<OutRecord>* out) {
  absl::Status status = OpenCursor(view, *after);
  bool damaged = !status.ok();
  OutRecord record;
  for (std::string payload; status.ok();) {
    const ReadResult result = cursor_.reader->Next(&payload);
    if (result == ReadResult::kEnd) break;
    if (result == ReadResult::kError) status = cursor_.reader->status();
    if (result != ReadResult::kOk || !DecodeSpoolRecord(payload, &record)) {
      damaged = true;
      continue;
    }
    if (record.position > view.last) break;
    if (record.position <= *after) continue;
    if (std::exchange(damaged, false)) ReportDamage(view.number, *after, record.position);
    const bool fits = !limits->any || record.bytes.size() <= limits->bytes;
    if (fits) {
      *after = record.position;
      limits->bytes -= std::min(limits->bytes, record.bytes.size());
      --limits->records;
      limits->any = true;
      out->push_back(std::move(record));
    } else {
      cursor_.reader->Seek(cursor_.reader->record_offset());
    }
    cursor_.after = *after;
    if (!fits || limits->records == 0) return false;
  }
  if (!status.ok()) {
    LogError(absl::StrCat("spool: ", status.ToString(), ": records of this segment are lost"));
  }
  if (damaged) ReportDamage(view.number, *after, {});
  if (!status.ok()) cursor_ = {};
  *after = view.last;
  cursor_.after = *after;
  return true;
}

void SegmentStore::ReportDamage(uint64_t number, Position before, Position next) {
  std::lock_guard lock(mutex_);
  const auto segment = std::find_if(segments_.begin(), segments_.end(),
                                    [&](const Segment& s) { return s.number == number; });
  if (segment == segments_.end()) return;  // acknowledged and deleted while it was read
  SegmentIndex& index = segment->index;
  const uint64_t begin = index.CountUpTo(std::max(before, acknowledged_));
  const uint64_t end = next == Position{} ? index.records() : index.CountUpTo(next) - 1;
  if (begin >= end) return;
  const ShedRange lost{end - begin, index.At(begin), index.At(end - 1), ShedReason::kCorrupt};
  if (!damage_reported_.insert(lost.first).second) return;
  ++stats_.corrupt;
  Lose(lost);
  // At the end, so that nobody waits for them; in the middle, the next acknowledgement passes them.
  if (next == Position{}) index.RemoveFrom(lost.first);
}

}  // namespace vakt
