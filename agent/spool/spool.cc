// SPDX-License-Identifier: Apache-2.0
#include "agent/spool/spool.h"

#include <pthread.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/log.h"
#include "common/base/status.h"

namespace vakt {
namespace {

using std::chrono::steady_clock;

constexpr size_t kMaxRecordBytes = 1u << 20;  // far above any alert; a batch takes at least one
// A group is written at once when it has grown to this: more would not make the sync cheaper.
constexpr size_t kGroupBytes = 1u << 20;
constexpr int kUrgentPriority = 3;  // PRIORITY_ERROR
constexpr size_t kPercent = 100;
constexpr auto kRetryDelay = std::chrono::seconds(1);
// How late the spool's state may be on disk. What it misses of the acknowledged position is offered
// twice after a crash; what it misses of the chain's head could be cut off unnoticed.
constexpr auto kHousekeepingDelay = std::chrono::seconds(1);

template <typename Predicate>
bool WaitUntil(std::condition_variable& condition, std::unique_lock<std::mutex>& lock,
               absl::Duration timeout, Predicate predicate) {
  const absl::Duration bounded = std::min(timeout, absl::Hours(24));  // infinity would overflow
  return condition.wait_for(lock, absl::ToChronoMilliseconds(bounded), predicate);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Spool>> Spool::Open(const SpoolOptions& options,
                                                   FileSystem& file_system) {
  VAKT_ASSIGN_OR_RETURN(
      std::unique_ptr<SegmentStore> store,
      SegmentStore::Open({options.dir, options.max_bytes, options.segment_bytes, options.codec},
                         file_system));
  return std::unique_ptr<Spool>(new Spool(options, std::move(store)));
}

Spool::Spool(const SpoolOptions& options, std::unique_ptr<SegmentStore> store)
    : options_(options), store_(std::move(store)), writer_([this] { RunWriter(); }) {}

Spool::~Spool() {
  {
    std::lock_guard lock(mutex_);
    closing_ = true;
  }
  work_.notify_all();
  writer_.join();
}

bool Spool::HasRoomFor(const OutRecord& record, bool urgent) const {
  const size_t percent = urgent ? kPercent : kPercent - options_.queue_urgent_percent;
  return unsynced_records_ < std::max<size_t>(options_.queue_records * percent / kPercent, 1) &&
         unsynced_bytes_ + record.bytes.size() <= options_.queue_bytes * percent / kPercent;
}

bool Spool::Append(OutRecord record) {
  const bool urgent = record.priority <= kUrgentPriority || record.priority == kNotePriority;
  const absl::Duration linger = urgent ? options_.linger_urgent : options_.linger_relaxed;
  const SteadyTime due = steady_clock::now() + absl::ToChronoNanoseconds(linger);
  const size_t bytes = record.bytes.size();
  bool wake = false;
  {
    std::lock_guard lock(mutex_);
    if (closing_ || bytes > kMaxRecordBytes || record.position <= last_ ||
        !HasRoomFor(record, urgent)) {
      ++counts_.rejected;
      return false;
    }
    last_ = record.position;
    queue_.push_back(std::move(record));
    ++counts_.appended;
    ++unsynced_records_;
    unsynced_bytes_ += bytes;
    // A wake-up is a system call, so only if it changes when the writer has to act.
    wake =
        due < group_due_ || (queued_bytes_ < kGroupBytes && queued_bytes_ + bytes >= kGroupBytes);
    queued_bytes_ += bytes;
    group_due_ = std::min(group_due_, due);
  }
  if (wake) work_.notify_one();
  return true;
}

bool Spool::Flush(absl::Duration timeout) {
  std::unique_lock lock(mutex_);
  const uint64_t target = counts_.appended;
  flush_upto_ = std::max(flush_upto_, target);
  work_.notify_one();
  return WaitUntil(durable_, lock, timeout, [&] { return finished_ >= target; });
}

size_t Spool::Read(Position after, size_t max_records, size_t max_bytes,
                   std::vector<OutRecord>* out, ChainSpan* chain) {
  return store_->Read(after, max_records, max_bytes, out, chain);
}

void Spool::Acknowledge(Position upto) {
  store_->Acknowledge(upto);
  std::lock_guard lock(mutex_);
  ScheduleHousekeeping();
}

void Spool::ScheduleHousekeeping() {
  if (housekeeping_due_ != SteadyTime::max()) return;
  housekeeping_due_ = steady_clock::now() + kHousekeepingDelay;
  work_.notify_one();
}

bool Spool::WaitReadable(Position after, absl::Duration timeout) {
  std::unique_lock lock(mutex_);
  return WaitUntil(durable_, lock, timeout, [&] { return store_->HasAfter(after); });
}

void Spool::OnReadable(std::function<void()> listener) {
  std::lock_guard lock(listener_mutex_);
  listener_ = std::move(listener);
}

Spool::Stats Spool::stats() const {
  const SegmentStore::Stats stored = store_->stats();
  std::lock_guard lock(mutex_);
  Stats stats = counts_;
  stats.pending_records = stored.pending_records + unsynced_records_;
  stats.bytes = stored.bytes;
  stats.shed = stored.shed;
  stats.quarantined = stored.quarantined;
  stats.corrupt = stored.corrupt;
  stats.write_errors = stored.write_errors;
  stats.syncs = stored.syncs;
  return stats;
}

void Spool::RunWriter() {
  pthread_setname_np(pthread_self(), "vakt-spool");
  std::vector<OutRecord> group;
  while (NextGroup(&group)) {
    if (!group.empty()) WriteGroup(group);
    bool housekeeping = false;
    {
      std::lock_guard lock(mutex_);
      housekeeping = steady_clock::now() >= housekeeping_due_;
      if (housekeeping) housekeeping_due_ = SteadyTime::max();
    }
    if (housekeeping) store_->Housekeep();
  }
  store_->Close();
}

bool Spool::GroupIsDue() const {
  return closing_ || taken_ < flush_upto_ || queued_bytes_ >= kGroupBytes ||
         steady_clock::now() >= group_due_;
}

bool Spool::NextGroup(std::vector<OutRecord>* group) {
  group->clear();
  std::unique_lock lock(mutex_);
  while (!GroupIsDue() && steady_clock::now() < housekeeping_due_) {
    const SteadyTime due = std::min(group_due_, housekeeping_due_);
    if (due == SteadyTime::max()) {
      work_.wait(lock);
    } else {
      work_.wait_until(lock, due);
    }
  }
  if (closing_ && queue_.empty()) return false;
  if (!GroupIsDue()) return true;
  size_t bytes = 0;
  while (!queue_.empty() && bytes < kGroupBytes) {
    bytes += queue_.front().bytes.size();
    group->push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  queued_bytes_ -= bytes;
  taken_ += group->size();
  group_due_ = queue_.empty() ? SteadyTime::max() : SteadyTime::min();
  return true;
}

void Spool::WriteGroup(const std::vector<OutRecord>& group) {
  for (;;) {
    const absl::Status status = store_->Write(group);
    if (status.ok()) return FinishGroup(group, /*durable=*/true);
    if (LogEvery("spool_write", absl::Minutes(1))) {
      LogError(absl::StrCat("spool: ", status.ToString(), "; ", group.size(),
                            " records wait in memory: make room or repair ", options_.dir));
    }
    std::unique_lock lock(mutex_);
    if (!closing_) work_.wait_for(lock, kRetryDelay, [this] { return closing_; });
    if (!closing_) continue;
    lock.unlock();
    // The last try was before closing, or is this one: the agent must end.
    return FinishGroup(group, store_->Write(group).ok());
  }
}

void Spool::FinishGroup(const std::vector<OutRecord>& group, bool durable) {
  size_t bytes = 0;
  for (const OutRecord& record : group) bytes += record.bytes.size();
  {
    std::lock_guard lock(mutex_);
    unsynced_records_ -= group.size();
    unsynced_bytes_ -= bytes;
    finished_ += group.size();
    if (!durable) counts_.unwritten += group.size();
    ScheduleHousekeeping();
  }
  durable_.notify_all();
  if (!durable) {
    LogError(absl::StrCat("spool: gave up ", group.size(), " records at shutdown"));
    return;
  }
  std::lock_guard lock(listener_mutex_);
  if (listener_) listener_();
}

}  // namespace vakt
