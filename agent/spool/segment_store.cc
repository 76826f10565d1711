// SPDX-License-Identifier: Apache-2.0
#include "agent/spool/segment_store.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "agent/spool/state_file.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/status.h"
#include "common/recordlog/record_format.h"

namespace vakt {
namespace {

constexpr uint64_t kSegmentsPerSpool = 4;  // so that shedding one costs at most a quarter
constexpr uint64_t kBlockBytes = 4096;     // the least that a file takes on disk
constexpr int kWriteAttempts = 2;
constexpr size_t kMaxShedRanges = 1024;  // beyond it, neighbours are merged

std::string AcknowledgedPath(const std::string& dir) { return dir + "/acknowledged"; }
std::string EpochPath(const std::string& dir) { return dir + "/epoch"; }

// For a directory without history: microseconds since 1970. So a directory that was wiped starts
// above where it was, no two start alike, and it fits the 53 bits of a JSON number until 2255.
uint64_t FreshEpoch() { return static_cast<uint64_t>(RealClock().WallNs() / 1000); }

uint64_t EncodedBytes(const OutRecord& record) {
  return kRecordHeaderBytes + kSpoolRecordPrefixBytes + record.bytes.size();
}

uint64_t BytesOnDisk(const Segment& segment) {
  return (segment.end_bytes + kBlockBytes - 1) / kBlockBytes * kBlockBytes;
}

}  // namespace

absl::StatusOr<std::unique_ptr<SegmentStore>> SegmentStore::Open(SegmentStoreOptions options,
                                                                 FileSystem& file_system) {
  options.segment_bytes = std::min(options.segment_bytes, options.max_bytes / kSegmentsPerSpool);
  VAKT_RETURN_IF_ERROR(file_system.MakeDirectory(options.dir));
  VAKT_ASSIGN_OR_RETURN(std::unique_ptr<FileLock> lock, file_system.Lock(options.dir + "/lock"));
  VAKT_ASSIGN_OR_RETURN(RecoveredSpool recovered, RecoverSpool(file_system, options.dir));
  std::unique_ptr<SegmentStore> store(
      new SegmentStore(std::move(options), file_system, std::move(lock)));
  {
    std::lock_guard guard(store->mutex_);
    store->segments_ = std::move(recovered.segments);
    store->next_number_ = recovered.next_number;
    store->stats_.corrupt = recovered.corrupt;
    store->stats_.quarantined = recovered.quarantined;
    if (!store->segments_.empty()) store->last_durable_ = store->segments_.back().index.last();
    for (const ShedRange& lost : recovered.lost) store->Lose(lost);
  }
  store->ReadAcknowledged();
  VAKT_RETURN_IF_ERROR(store->TakeEpoch());
  store->DeleteFreed();
  return store;
}

SegmentStore::SegmentStore(SegmentStoreOptions options, FileSystem& file_system,
                           std::unique_ptr<FileLock> lock)
    : options_(std::move(options)), file_system_(file_system), lock_(std::move(lock)) {}

// Without it, what the collector already has is offered again, and its Welcome says where to go on.
void SegmentStore::ReadAcknowledged() {
  const absl::StatusOr<std::vector<uint64_t>> numbers =
      ReadStateFile(file_system_, AcknowledgedPath(options_.dir), 2);
  if (!numbers.ok()) return;
  const Position position{(*numbers)[0], (*numbers)[1]};
  {
    std::lock_guard lock(mutex_);
    last_durable_ = std::max(last_durable_, position);  // its segment may be gone
  }
  Acknowledge(position);
  std::lock_guard lock(mutex_);
  acknowledged_moved_ = false;
}

absl::Status SegmentStore::TakeEpoch() {
  uint64_t newest = 0;
  {
    std::lock_guard lock(mutex_);
    newest = std::max(last_durable_.epoch, acknowledged_.epoch);
  }
  const absl::StatusOr<std::vector<uint64_t>> numbers =
      ReadStateFile(file_system_, EpochPath(options_.dir), 1);
  if (!numbers.ok() && !absl::IsNotFound(numbers.status())) {
    LogWarning(absl::StrCat("spool: ", numbers.status().ToString(), ": starting a fresh epoch"));
  }
  epoch_ = std::max(newest, numbers.ok() ? (*numbers)[0] : FreshEpoch()) + 1;
  return WriteStateFile(file_system_, EpochPath(options_.dir), {epoch_}, /*durable=*/true);
}

absl::Status SegmentStore::Write(absl::Span<const OutRecord> group) {
  absl::Status status;
  for (int attempt = 0; attempt < kWriteAttempts; ++attempt) {
    status = TryWrite(group);
    if (status.ok()) return status;
    GiveUpActive();
    if (absl::IsResourceExhausted(status)) {
      if (!ShedOldest(ShedReason::kDiskFull)) return status;
      DeleteFreed();
    }
  }
  return status;
}

absl::Status SegmentStore::TryWrite(absl::Span<const OutRecord> group) {
  uint64_t group_bytes = 0;
  for (const OutRecord& record : group) group_bytes += EncodedBytes(record);
  while (stats().bytes + group_bytes > options_.max_bytes && ShedOldest(ShedReason::kQuota)) {
    DeleteFreed();
  }
  if (active_ != nullptr && active_->size_bytes() + group_bytes > options_.segment_bytes) {
    active_.reset();  // nothing is buffered: each group ends with a sync
  }
  if (active_ == nullptr) VAKT_RETURN_IF_ERROR(BeginSegment());
  std::vector<uint64_t> offsets;
  offsets.reserve(group.size());
  std::string payload;
  for (const OutRecord& record : group) {
    offsets.push_back(active_->size_bytes());
    EncodeSpoolRecord(record, &payload);
    VAKT_RETURN_IF_ERROR(active_->Append(payload));
  }
  VAKT_RETURN_IF_ERROR(active_->Sync());
  Publish(group, offsets);
  return absl::OkStatus();
}

absl::Status SegmentStore::BeginSegment() {
  const uint64_t number = next_number_++;
  {
    std::lock_guard lock(mutex_);
    active_number_ = number;
  }
  std::string header;
  AppendLittleEndian(epoch_, 8, &header);
  VAKT_ASSIGN_OR_RETURN(
      active_, RecordLogWriter::Create(SegmentPath(options_.dir, number), header, file_system_));
  return absl::OkStatus();
}

void SegmentStore::Publish(absl::Span<const OutRecord> group, absl::Span<const uint64_t> offsets) {
  std::lock_guard lock(mutex_);
  if (segments_.empty() || segments_.back().number != active_number_) {
    segments_.push_back(Segment{.number = active_number_});
  }
  Segment& segment = segments_.back();
  for (size_t i = 0; i < group.size(); ++i) segment.index.Add(group[i].position, offsets[i]);
  segment.end_bytes = active_->size_bytes();
  last_durable_ = group.back().position;
  ++stats_.syncs;
}

// What the file held durably stays readable; what a failed call left behind it is never read.
void SegmentStore::GiveUpActive() {
  active_.reset();
  std::lock_guard lock(mutex_);
  ++stats_.write_errors;
  const bool published = !segments_.empty() && segments_.back().number == active_number_;
  if (!published) freed_.push_back(active_number_);
}

bool SegmentStore::ShedOldest(ShedReason reason) {
  std::lock_guard lock(mutex_);
  if (segments_.size() <= 1) return false;  // the newest is being written
  const Segment& oldest = segments_.front();
  const uint64_t count = oldest.index.CountAfter(acknowledged_);
  if (count > 0) {
    Lose({count, oldest.index.FirstAfter(acknowledged_), oldest.index.last(), reason});
  }
  freed_.push_back(oldest.number);
  segments_.erase(segments_.begin());
  return true;
}

void SegmentStore::Lose(const ShedRange& range) {
  stats_.shed += range.count;
  if (shed_.size() >= kMaxShedRanges && shed_.back().reason == range.reason) {
    shed_.back().count += range.count;
    shed_.back().last = range.last;
  } else {
    shed_.push_back(range);
  }
}

void SegmentStore::DeleteFreed() {
  std::vector<uint64_t> freed;
  {
    std::lock_guard lock(mutex_);
    freed.swap(freed_);
  }
  for (uint64_t number : freed) {
    const absl::Status status = file_system_.Unlink(SegmentPath(options_.dir, number));
    if (!status.ok() && !absl::IsNotFound(status)) {
      LogWarning(absl::StrCat("spool: ", status.ToString()));
    }
  }
}

void SegmentStore::Housekeep() {
  DeleteFreed();
  Position position;
  {
    std::lock_guard lock(mutex_);
    if (!acknowledged_moved_) return;
    acknowledged_moved_ = false;
    position = acknowledged_;
  }
  const absl::Status status = WriteStateFile(file_system_, AcknowledgedPath(options_.dir),
                                             {position.epoch, position.seq}, /*durable=*/false);
  if (!status.ok()) LogWarning(absl::StrCat("spool: ", status.ToString()));
}

void SegmentStore::Acknowledge(Position upto) {
  std::lock_guard lock(mutex_);
  // More than there is cannot have been stored: not ours, or the directory was wiped meanwhile.
  if (upto <= acknowledged_ || upto > last_durable_) return;
  acknowledged_ = upto;
  acknowledged_moved_ = true;
  const auto kept = std::find_if(segments_.begin(), segments_.end(), [&](const Segment& segment) {
    return segment.index.last() > upto || segment.number == active_number_;
  });
  for (auto segment = segments_.begin(); segment != kept; ++segment) {
    freed_.push_back(segment->number);
  }
  segments_.erase(segments_.begin(), kept);
}

Position SegmentStore::acknowledged() const {
  std::lock_guard lock(mutex_);
  return acknowledged_;
}

Position SegmentStore::newest() const {
  std::lock_guard lock(mutex_);
  return last_durable_;
}

std::vector<ShedRange> SegmentStore::TakeShed() {
  std::lock_guard lock(mutex_);
  return std::exchange(shed_, {});
}

SegmentStore::Stats SegmentStore::stats() const {
  std::lock_guard lock(mutex_);
  Stats stats = stats_;
  for (const Segment& segment : segments_) {
    stats.pending_records += segment.index.CountAfter(acknowledged_);
    stats.bytes += BytesOnDisk(segment);
  }
  return stats;
}

bool SegmentStore::HasAfter(Position after) const {
  std::lock_guard lock(mutex_);
  return std::any_of(segments_.rbegin(), segments_.rend(),
                     [&](const Segment& segment) { return segment.index.last() > after; });
}

}  // namespace vakt
