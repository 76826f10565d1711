// SPDX-License-Identifier: Apache-2.0
#include "agent/spool/segment_store.h"

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "agent/spool/quarantine.h"
#include "agent/spool/spool_state.h"
#include "agent/spool/state_file.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/status.h"
#include "common/recordlog/record_format.h"

namespace vakt {
namespace {

constexpr uint64_t kSegmentsPerSpool = 8;  // so that reserving one costs at most an eighth
constexpr uint64_t kBlockBytes = 4096;     // the least that a file takes on disk
constexpr int kWriteAttempts = 2;
constexpr size_t kFindingsLogged = 20;
constexpr uint64_t kSegmentOverheadBytes = 128;  // its file header

std::string EpochPath(const std::string& dir) { return dir + "/epoch"; }

// Microseconds since 1970, so that a directory that was wiped or restored from an older copy goes
// on above where it was, no two start alike, and it fits the 53 bits of a JSON number until 2255.
uint64_t FreshEpoch() { return static_cast<uint64_t>(RealClock().WallNs() / 1000); }

uint64_t EncodedBytes(const OutRecord& record) {
  return kRecordHeaderBytes + kSpoolRecordPrefixBytes + record.bytes.size();
}

void Warn(const absl::Status& status) {
  if (!status.ok() && !absl::IsNotFound(status)) {
    LogWarning(absl::StrCat("spool: ", status.ToString()));
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<SegmentStore>> SegmentStore::Open(SegmentStoreOptions options,
                                                                 FileSystem& file_system) {
  options.segment_bytes = std::min(options.segment_bytes, options.max_bytes / kSegmentsPerSpool);
  VAKT_RETURN_IF_ERROR(file_system.MakeDirectory(options.dir));
  VAKT_ASSIGN_OR_RETURN(std::unique_ptr<FileLock> lock, file_system.Lock(options.dir + "/lock"));
  VAKT_ASSIGN_OR_RETURN(SpoolScan scan, ScanSpool(file_system, options.dir));
  std::unique_ptr<SegmentStore> store(
      new SegmentStore(std::move(options), file_system, std::move(lock)));
  store->Adopt(std::move(scan));
  store->ReportFindings();
  VAKT_RETURN_IF_ERROR(store->TakeEpoch());
  VAKT_RETURN_IF_ERROR(store->PersistState(/*closed=*/false));
  store->DeleteFreed();
  store->TakeReserve();
  return store;
}

SegmentStore::SegmentStore(SegmentStoreOptions options, FileSystem& file_system,
                           std::unique_ptr<FileLock> lock)
    : options_(std::move(options)), file_system_(file_system), lock_(std::move(lock)) {}

SegmentStore::~SegmentStore() { Close(); }

// Takes over what a directory holds; puts aside what is damaged.
void SegmentStore::Adopt(SpoolScan scan) {
  findings_ = std::move(scan.findings);
  next_number_ = scan.next_number;
  for (const SegmentName& name : scan.unreadable) {
    Warn(QuarantineSegment(file_system_, options_.dir, name));
  }
  for (const DamagedBytes& damage : scan.damage) {
    Warn(QuarantineBytes(file_system_, options_.dir, damage));
  }
  Position acknowledged;
  {
    std::lock_guard read_lock(read_mutex_);  // told here, not again when it is read
    for (const DamagedBytes& damage : scan.damage) {
      damage_noted_.insert({damage.name, damage.offset});
    }
    std::lock_guard lock(mutex_);
    stats_.quarantined = scan.unreadable.size() + scan.damage.size();
    stats_.corrupt = stats_.quarantined;
    segments_ = std::move(scan.segments);
    freed_ = std::move(scan.leftovers);
    head_ = scan.end;
    if (scan.state) acknowledged = std::min(scan.state->acknowledged, head_.position);
  }
  Acknowledge(acknowledged);
}

void SegmentStore::ReportFindings() const {
  size_t logged = 0;
  for (const SpoolFinding& finding : findings_) {
    if (finding.kind == SpoolFinding::Kind::kNote) continue;
    if (++logged > kFindingsLogged) break;
    LogError(absl::StrCat("spool: ", std::string(SpoolFindingName(finding.kind)), ": ",
                          finding.segment, " at byte ", finding.offset, ": ", finding.text));
  }
  if (logged > kFindingsLogged) {
    LogError(absl::StrCat("spool: and more: vaktctl spool verify ", options_.dir));
  }
}

absl::Status SegmentStore::TakeEpoch() {
  uint64_t newest = 0;
  {
    std::lock_guard lock(mutex_);
    newest = std::max(head_.position.epoch, acknowledged_.epoch);
  }
  const absl::StatusOr<std::vector<std::string>> words =
      ReadStateFile(file_system_, EpochPath(options_.dir), 1);
  uint64_t last = 0;
  if (words.ok() && absl::SimpleAtoi((*words)[0], &last)) newest = std::max(newest, last);
  if (!words.ok() && !absl::IsNotFound(words.status())) Warn(words.status());
  epoch_ = std::max(newest + 1, FreshEpoch());
  return WriteStateFile(file_system_, EpochPath(options_.dir), {absl::StrCat(epoch_)},
                        /*durable=*/true);
}

absl::Status SegmentStore::PersistState(bool closed) {
  SpoolState state;
  state.closed = closed;
  {
    std::lock_guard lock(mutex_);
    state.acknowledged = acknowledged_;
    state.head = head_;
    moved_ = false;
  }
  const absl::Status status = WriteSpoolState(file_system_, options_.dir, state);
  if (status.ok()) return status;
  std::lock_guard lock(mutex_);
  moved_ = true;
  return status;
}

absl::Status SegmentStore::Write(absl::Span<const OutRecord> group) {
  const uint64_t bytes_before = stats().bytes;
  for (int attempt = 1;; ++attempt) {
    const absl::Status status = TryWrite(group);
    if (status.ok()) return status;
    GiveUpActive();
    if (!absl::IsResourceExhausted(status)) {
      if (attempt >= kWriteAttempts) return status;
      continue;
    }
    // Not more than one segment's worth at a time: another program may take what is freed.
    const uint64_t freed = bytes_before - std::min(bytes_before, stats().bytes);
    if (freed > 2 * options_.segment_bytes || !ShedOnce(LossReason::kDiskFull)) return status;
  }
}

absl::Status SegmentStore::TryWrite(absl::Span<const OutRecord> group) {
  uint64_t group_bytes = 0;
  for (const OutRecord& record : group) group_bytes += EncodedBytes(record);
  if (active_ != nullptr && active_->size_bytes() + group_bytes > options_.segment_bytes) {
    CloseActive();
  }
  if (active_ == nullptr) {
    const uint64_t least = group_bytes + kSegmentOverheadBytes;
    const uint64_t room = std::max(options_.segment_bytes, least);
    MakeRoom(room);
    absl::Status begun = BeginSegment(room);
    // Of a disk that is nearly full the rest is used up before anything is given up.
    if (absl::IsResourceExhausted(begun)) begun = BeginSegment(least);
    VAKT_RETURN_IF_ERROR(begun);
  }
  ChainPoint end = head();
  std::vector<uint64_t> offsets;
  offsets.reserve(group.size());
  std::string payload;
  for (const OutRecord& record : group) {
    offsets.push_back(active_->size_bytes());
    EncodeSpoolRecord(record, end.hash, &payload);
    end = {record.position,
           NextChainHash(end.hash, {record.position.epoch, record.position.seq,
                                    static_cast<uint8_t>(record.priority), record.bytes})};
    VAKT_RETURN_IF_ERROR(active_->Append(payload));
  }
  VAKT_RETURN_IF_ERROR(active_->Sync());
  Publish(group, offsets, end);
  return absl::OkStatus();
}

absl::Status SegmentStore::BeginSegment(uint64_t room_bytes) {
  SegmentHeader header;
  header.number = next_number_++;
  header.epoch = epoch_;
  {
    std::lock_guard lock(mutex_);
    active_number_ = header.number;
    active_room_bytes_ = room_bytes;
    header.begin = head_;
  }
  VAKT_ASSIGN_OR_RETURN(
      active_, RecordLogWriter::Create(SegmentPath(options_.dir, {header.number, 0}),
                                       EncodeSegmentHeader(header), file_system_, room_bytes));
  return absl::OkStatus();
}

void SegmentStore::Publish(absl::Span<const OutRecord> group, absl::Span<const uint64_t> offsets,
                           const ChainPoint& end) {
  std::lock_guard lock(mutex_);
  if (segments_.empty() || segments_.back().name.number != active_number_) {
    Segment& segment = segments_.emplace_back();
    segment.name.number = active_number_;
    segment.begin = head_;
  }
  Segment& segment = segments_.back();
  for (size_t i = 0; i < group.size(); ++i) {
    segment.index.Add(group[i].position, offsets[i]);
    segment.bytes_of_rank[ShedRank(group[i].priority)] +=
        kSpoolRecordPrefixBytes + group[i].bytes.size();
  }
  segment.end_bytes = active_->size_bytes();
  segment.end = head_ = end;
  moved_ = true;
  ++stats_.syncs;
}

// Nothing is buffered: each group ends with a sync. What was reserved is given back.
void SegmentStore::CloseActive() {
  if (active_ == nullptr) return;
  Warn(active_->Close());
  active_.reset();
  std::lock_guard lock(mutex_);
  active_room_bytes_ = 0;
}

// What the file held durably stays readable; what a failed call left behind it is never read.
void SegmentStore::GiveUpActive() {
  active_.reset();
  std::lock_guard lock(mutex_);
  active_room_bytes_ = 0;
  ++stats_.write_errors;
  const bool published = !segments_.empty() && segments_.back().name.number == active_number_;
  if (!published) freed_.push_back({active_number_, 0});
}

void SegmentStore::DeleteFreed() {
  std::vector<SegmentName> freed;
  {
    std::lock_guard lock(mutex_);
    freed.swap(freed_);
  }
  for (const SegmentName& name : freed) {
    Warn(file_system_.Unlink(SegmentPath(options_.dir, name)));
  }
}

void SegmentStore::Housekeep() {
  bool moved = false;
  {
    std::lock_guard lock(mutex_);
    moved = moved_;
  }
  // First what is acknowledged, then the deletion of its segments: else they would be missed.
  if (moved) {
    const absl::Status status = PersistState(/*closed=*/false);
    Warn(status);
    if (!status.ok()) return;
  }
  DeleteFreed();
  TakeReserve();
}

void SegmentStore::Close() {
  if (closed_ || epoch_ == 0) return;
  closed_ = true;
  CloseActive();
  const absl::Status status = PersistState(/*closed=*/true);
  Warn(status);
  if (status.ok()) DeleteFreed();
}

void SegmentStore::Acknowledge(Position upto) {
  std::lock_guard lock(mutex_);
  // More than there is cannot have been stored: not ours, or the directory was wiped meanwhile.
  if (upto <= acknowledged_ || upto > head_.position) return;
  acknowledged_ = upto;
  moved_ = true;
  // The newest stays: it says where the chain goes on.
  while (segments_.size() > 1 && segments_.front().end.position <= upto) {
    freed_.push_back(segments_.front().name);
    segments_.erase(segments_.begin());
  }
}

Position SegmentStore::acknowledged() const {
  std::lock_guard lock(mutex_);
  return acknowledged_;
}

ChainPoint SegmentStore::head() const {
  std::lock_guard lock(mutex_);
  return head_;
}

uint64_t SegmentStore::BytesOnDisk() const {
  uint64_t bytes = has_reserve_ ? options_.segment_bytes : 0;
  for (const Segment& segment : segments_) {
    const bool active = active_room_bytes_ > 0 && segment.name.number == active_number_;
    const uint64_t size = active ? active_room_bytes_ : segment.end_bytes;
    bytes += (size + kBlockBytes - 1) / kBlockBytes * kBlockBytes;
  }
  return bytes;
}

SegmentStore::Stats SegmentStore::stats() const {
  std::lock_guard lock(mutex_);
  Stats stats = stats_;
  stats.bytes = BytesOnDisk();
  for (const Segment& segment : segments_) {
    stats.pending_records += segment.index.CountAfter(acknowledged_);
    const bool ends_in_a_hole = segment.end.position > segment.index.last();
    if (ends_in_a_hole && segment.end.position > acknowledged_) ++stats.pending_records;
  }
  return stats;
}

bool SegmentStore::HasAfter(Position after) const {
  std::lock_guard lock(mutex_);
  return !segments_.empty() && segments_.back().end.position > after;
}

}  // namespace vakt
