// SPDX-License-Identifier: Apache-2.0
#include "agent/spool/spool_scan.h"

#include <algorithm>
#include <memory>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/recordlog/record_format.h"
#include "common/recordlog/record_log_reader.h"

namespace vakt {
namespace {

using Kind = SpoolFinding::Kind;

std::string FileName(SegmentName name) { return SegmentPath("", name).substr(1); }

uint64_t Distance(Position from, Position to) {
  if (to <= from) return 0;
  return from.epoch == to.epoch ? to.seq - from.seq : to.seq;
}

// The chain's hash behind `position`, from the segment that holds it.
std::optional<ChainHash> ChainHashAt(FileSystem& file_system, const std::string& dir,
                                     const std::vector<Segment>& segments, Position position) {
  for (const Segment& segment : segments) {
    if (segment.begin.position == position) return segment.begin.hash;
    if (segment.end.position == position) return segment.end.hash;
    if (position < segment.begin.position || position > segment.end.position) continue;
    SegmentReader reader(file_system, dir, segment, nullptr);
    for (StoredRecord stored; reader.Next(&stored) && stored.first() <= position;) {
      if (stored.last() == position) return stored.after();
    }
  }
  return std::nullopt;
}

// One pass over a directory, in the order of the stream. `end_` of the scan is how far it came.
class Scanner {
 public:
  Scanner(FileSystem& file_system, const std::string& dir) : file_system_(file_system), dir_(dir) {}

  void ReadState(bool has_segments) {
    absl::StatusOr<SpoolState> state = ReadSpoolState(file_system_, dir_);
    if (state.ok()) {
      scan_.state = *std::move(state);
    } else if (has_segments || !absl::IsNotFound(state.status())) {
      Find({Kind::kState, "state", 0, {}, 0, std::string(state.status().message())});
    }
  }

  void Add(SegmentName name) {
    scan_.next_number = name.number + 1;
    absl::StatusOr<std::unique_ptr<RecordLogReader>> log =
        RecordLogReader::Open(SegmentPath(dir_, name), file_system_);
    if (!log.ok()) return CannotRead(name, log.status());
    Segment segment;
    segment.name = name;
    const std::optional<SegmentHeader> header =
        (*log)->header_intact() ? DecodeSegmentHeader((*log)->header()) : std::nullopt;
    ReadRecords(**log, header, &segment);
    if (!header) {
      Find({Kind::kUnreadable, FileName(name), 0, segment.index.first(), 0,
            "the file header is damaged"});
      scan_.damage.push_back({name, 0, kRecordHeaderBytes, {}});
    } else if (header->number != name.number) {
      Find({Kind::kOutOfOrder, FileName(name), 0, segment.index.first(), 0,
            absl::StrCat("this was segment ", header->number)});
    }
    if (segment.index.empty()) {
      scan_.leftovers.push_back(name);  // created, or written and never synced
      return;
    }
    Join(std::move(segment));
  }

  SpoolScan Finish() {
    if (scan_.state) CheckHead(*scan_.state);
    for (const Segment& segment : scan_.segments) scan_.records += segment.index.records();
    return std::move(scan_);
  }

 private:
  void Find(SpoolFinding finding) { scan_.findings.push_back(std::move(finding)); }

  // Fills in all of `segment`, checks every link inside it.
  void ReadRecords(RecordLogReader& log, const std::optional<SegmentHeader>& header,
                   Segment* segment) {
    bool known = header.has_value();
    if (known) segment->begin = segment->end = header->begin;
    StoredRecord stored;
    bool damaged = false;
    for (std::string payload;;) {
      const ReadResult result = log.Next(&payload);
      if (result == ReadResult::kEnd || result == ReadResult::kError) {
        if (result == ReadResult::kError) CannotRead(segment->name, log.status());
        return;
      }
      if (result != ReadResult::kOk || !DecodeSpoolRecord(payload, &stored)) {
        Damaged(log, result, *segment);
        damaged = true;
        continue;
      }
      if (known && stored.last() <= segment->end.position) {
        Find({Kind::kOutOfOrder, FileName(segment->name), log.record_offset(), stored.first(), 0,
              "a record stands behind a later one"});
        continue;
      }
      if (!known) segment->begin = segment->end = BeginBefore(stored);
      if (known && stored.before != segment->end.hash) {
        BrokenLink(*segment, stored, log.record_offset(), damaged);
      }
      known = true;
      damaged = false;
      segment->Add(stored, log.record_offset(), payload.size());
      segment->end = {stored.last(), stored.after()};
      segment->end_bytes = log.offset();
      if (stored.tombstone) ++scan_.tombstones;
    }
  }

  // Where a segment begins that has lost its header: behind the one before, if the chain says so.
  ChainPoint BeginBefore(const StoredRecord& stored) const {
    if (!scan_.segments.empty() && stored.before == scan_.end.hash) return scan_.end;
    return {{stored.first().epoch, stored.first().seq - 1}, stored.before};
  }

  void Damaged(const RecordLogReader& log, ReadResult result, const Segment& segment) {
    const bool decodable = result != ReadResult::kOk;
    const uint64_t offset = decodable ? log.skipped_offset() : log.record_offset();
    const uint64_t bytes = decodable ? log.skipped_bytes() : log.offset() - offset;
    const Position next{segment.end.position.epoch, segment.end.position.seq + 1};
    if (result == ReadResult::kTornTail) {
      Find({Kind::kNote, FileName(segment.name), offset, next, 0,
            absl::StrCat(bytes, " bytes behind the last record: not synced when the run ended")});
      return;
    }
    Find({Kind::kUnreadable, FileName(segment.name), offset, next, 0,
          absl::StrCat(bytes, " bytes are damaged")});
    scan_.damage.push_back({segment.name, offset, bytes, segment.end.position});
  }

  // `stored` does not follow what was read before it.
  void BrokenLink(const Segment& segment, const StoredRecord& stored, uint64_t offset,
                  bool damaged) {
    const Position at = segment.end.position;
    const Position first = stored.first();
    const uint64_t missing =
        first.epoch == at.epoch ? first.seq - at.seq - 1 : std::max<uint64_t>(first.seq - 1, 1);
    if (missing > 0) {
      Find({Kind::kMissing,
            FileName(segment.name),
            offset,
            {at.epoch, at.seq + 1},
            missing,
            absl::StrCat(missing, missing == 1 ? " record" : " records", " missing after ",
                         ToText(at))});
    } else if (!damaged) {
      Find({Kind::kAltered, FileName(segment.name), offset, at, 0,
            absl::StrCat(ToText(at), " is not the record that ", ToText(first), " follows")});
    }
  }

  void CannotRead(SegmentName name, const absl::Status& why) {
    if (absl::IsInvalidArgument(why) && IsBlank(name)) {
      scan_.leftovers.push_back(name);  // a crash before its first sync
      return;
    }
    Find({Kind::kUnreadable, FileName(name), 0, Next(), 0, std::string(why.message())});
    scan_.unreadable.push_back(name);
  }

  // A crash before the first sync leaves less than one header, or zeros.
  bool IsBlank(SegmentName name) {
    constexpr size_t kLookedAtBytes = 4096;
    char bytes[kLookedAtBytes] = {};
    absl::StatusOr<std::unique_ptr<ReadableFile>> file = file_system_.Open(SegmentPath(dir_, name));
    const absl::StatusOr<size_t> got =
        file.ok() ? (*file)->ReadAt(0, sizeof(bytes), bytes) : file.status();
    return got.ok() &&
           (*got < kRecordHeaderBytes ||
            std::string_view(bytes, *got).find_first_not_of('\0') == std::string_view::npos);
  }

  Position Next() const { return {scan_.end.position.epoch, scan_.end.position.seq + 1}; }

  // Puts `segment` behind those before it.
  void Join(Segment segment) {
    const ChainPoint begin = segment.begin;
    if (scan_.segments.empty()) {
      JoinFirst(&segment);
    } else if (begin.position > scan_.end.position) {
      Missing(begin, FileName(segment.name));
    } else if (begin.position == scan_.end.position) {
      if (begin.hash != scan_.end.hash) {
        Find({Kind::kAltered, FileName(scan_.segments.back().name), 0, begin.position, 0,
              absl::StrCat(ToText(begin.position), " is not the record that segment ",
                           FileName(segment.name), " follows")});
      }
    } else if (!Supersede(begin)) {
      Find({Kind::kOutOfOrder, FileName(segment.name), 0, segment.index.first(), 0,
            absl::StrCat("follows ", ToText(begin.position), ", which is not there")});
    }
    if (segment.end.position <= scan_.end.position && !scan_.segments.empty()) {
      scan_.leftovers.push_back(segment.name);
      return;
    }
    scan_.end = segment.end;
    scan_.segments.push_back(std::move(segment));
  }

  // Nothing says how the spool began but the collector's word: everything up to there may be gone.
  void JoinFirst(Segment* segment) {
    if (!scan_.state || segment->begin.position <= scan_.state->acknowledged) return;
    const Position from = scan_.state->acknowledged;
    if (segment->begin.position.epoch != from.epoch && from == Position{} &&
        segment->begin.position.seq == 0) {
      return;
    }
    Find({Kind::kMissing,
          FileName(segment->name),
          0,
          {from.epoch, from.seq + 1},
          Distance(from, segment->begin.position),
          absl::StrCat("records before ", ToText(segment->index.first()),
                       " are missing: only those up to ", ToText(from), " are acknowledged")});
    Segment lost;
    lost.name = {segment->name.number - 1, 0};
    lost.begin = {from, {}};
    lost.end = segment->begin;
    scan_.segments.push_back(lost);
  }

  // The records between the end so far and `upto` are gone: reading gives a tombstone for them.
  void Missing(const ChainPoint& upto, const std::string& segment) {
    const uint64_t count = Distance(scan_.end.position, upto.position);
    Find({Kind::kMissing, segment, 0, Next(), count,
          absl::StrCat(count, count == 1 ? " record" : " records", " missing after ",
                       ToText(scan_.end.position))});
    scan_.segments.back().end = scan_.end = upto;
  }

  // After a failed write or sync, the records of that group were written again, whole, to the next
  // segment; and a segment that was rewritten replaces those it was made of. What the older ones
  // have from `begin` on is a copy. False if the chain never was at `begin`.
  bool Supersede(const ChainPoint& begin) {
    std::vector<Segment>& segments = scan_.segments;
    if (HashAt(begin.position) != begin.hash) return false;
    // What is wrong with copies does not matter.
    std::erase_if(scan_.findings, [&](const SpoolFinding& finding) {
      return finding.segment == FileName(segments.back().name) && finding.position > begin.position;
    });
    std::erase_if(scan_.damage, [&](const DamagedBytes& damage) {
      return damage.name == segments.back().name && damage.after >= begin.position;
    });
    while (!segments.empty() && segments.back().begin.position >= begin.position) {
      scan_.leftovers.push_back(segments.back().name);
      segments.pop_back();
    }
    if (!segments.empty() && segments.back().end.position > begin.position) {
      segments.back().index.RemoveFrom({begin.position.epoch, begin.position.seq + 1});
      segments.back().end = begin;
      if (segments.back().index.empty()) {
        scan_.leftovers.push_back(segments.back().name);
        segments.pop_back();
      }
    }
    scan_.end = begin;
    return true;
  }

  std::optional<ChainHash> HashAt(Position position) {
    return ChainHashAt(file_system_, dir_, scan_.segments, position);
  }

  void CheckHead(const SpoolState& state) {
    const Position end = scan_.segments.empty() ? state.acknowledged : scan_.end.position;
    if (state.head.position > end) {
      if (scan_.segments.empty()) {
        scan_.end = {state.acknowledged, {}};
        Segment lost;
        lost.name = {scan_.next_number - 1, 0};
        lost.begin = lost.end = scan_.end;
        scan_.segments.push_back(lost);
      }
      return Missing(state.head, "");
    }
    if (scan_.segments.empty()) {
      scan_.end = state.head;
      if (state.head.position == Position{}) return;
      return Find({Kind::kMissing, "", 0, state.head.position, 0,
                   "the newest segment is not there, which no agent deletes"});
    }
    if (state.closed && end > state.head.position) {
      Find({Kind::kState,
            FileName(scan_.segments.back().name),
            0,
            {state.head.position.epoch, state.head.position.seq + 1},
            0,
            absl::StrCat("records behind ", ToText(state.head.position),
                         ", where the last run ended")});
    }
    const std::optional<ChainHash> here = HashAt(state.head.position);
    if (here && *here != state.head.hash) {
      Find({Kind::kAltered, "", 0, state.head.position, 0,
            absl::StrCat("the chain is not at ", ToText(state.head.position),
                         " where the state file says")});
    }
  }

  FileSystem& file_system_;
  const std::string& dir_;
  SpoolScan scan_;
};

}  // namespace

std::string_view SpoolFindingName(SpoolFinding::Kind kind) {
  switch (kind) {
    case Kind::kNote:
      return "note";
    case Kind::kUnreadable:
      return "unreadable";
    case Kind::kMissing:
      return "missing";
    case Kind::kAltered:
      return "altered";
    case Kind::kOutOfOrder:
      return "out of order";
    case Kind::kState:
      return "state";
  }
  return "";
}

bool SpoolScan::intact() const {
  return std::all_of(findings.begin(), findings.end(),
                     [](const SpoolFinding& finding) { return finding.kind == Kind::kNote; });
}

uint64_t SpoolScan::missing() const {
  uint64_t count = 0;
  for (const SpoolFinding& finding : findings) count += finding.count;
  return count;
}

absl::StatusOr<SpoolScan> ScanSpool(FileSystem& file_system, const std::string& dir) {
  VAKT_ASSIGN_OR_RETURN(const std::vector<std::string> files, file_system.List(dir));
  std::vector<SegmentName> names;
  for (const std::string& file : files) {
    if (const std::optional<SegmentName> name = ParseSegmentName(file)) names.push_back(*name);
  }
  std::sort(names.begin(), names.end());
  Scanner scanner(file_system, dir);
  scanner.ReadState(!names.empty());
  for (const SegmentName& name : names) scanner.Add(name);
  return scanner.Finish();
}

void CheckWitness(FileSystem& file_system, const std::string& dir, Position position,
                  const std::optional<ChainHash>& hash, SpoolScan* scan) {
  if (position > scan->end.position) {
    scan->findings.push_back(
        {Kind::kMissing, "", 0, position, Distance(scan->end.position, position),
         absl::StrCat("the spool ends at ", ToText(scan->end.position), ", the collector has ",
                      ToText(position), ": this is an older copy")});
    return;
  }
  const std::optional<ChainHash> here = ChainHashAt(file_system, dir, scan->segments, position);
  if (hash && here && *hash != *here) {
    scan->findings.push_back(
        {Kind::kAltered, "", 0, position, 0,
         absl::StrCat("the collector's chain at ", ToText(position), " is another one")});
  }
}

}  // namespace vakt
