// SPDX-License-Identifier: Apache-2.0
// The agent's outbox: records wait here, on disk, until the collector has acknowledged them.
//
//   pipeline ── Append ──► queue (memory, bounded) ── writer thread ──► segments (disk, bounded)
//   uplink  ◄── Read ───────────────────────────────────────────────────┘
//
// The writer collects a group for `linger_urgent` if a record of priority Error or worse is among
// it, else for `linger_relaxed`, and makes it durable with one fdatasync. Only durable records are
// read, so the collector never knows of a record that a crash can take back.
//
// Overflow: a full queue refuses (Append returns false), less urgent records earlier than urgent
// ones; a full disk or quota gives up records, the least severe first and of those the oldest, and
// leaves tombstones that are delivered in their place.
//
// Thread-safe. Owned by the application, destroyed after everything that uses it.
#ifndef VAKT_AGENT_SPOOL_SPOOL_H_
#define VAKT_AGENT_SPOOL_SPOOL_H_

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "agent/spool/position.h"
#include "agent/spool/segment_store.h"
#include "agent/spool/spool_record.h"
#include "common/recordlog/file_system.h"

namespace vakt {

struct SpoolOptions {
  std::string dir;
  uint64_t max_bytes = 256u << 20;
  uint64_t segment_bytes = 8u << 20;
  // Records that are not durable yet. Part of the agent's memory budget of 40 MiB.
  size_t queue_records = 65536;
  size_t queue_bytes = 4u << 20;
  // Of these, kept for urgent records: a flood of others cannot have it.
  size_t queue_urgent_percent = 25;
  absl::Duration linger_urgent = absl::Milliseconds(10);
  absl::Duration linger_relaxed = absl::Seconds(1);
  // Makes tombstones into records. Must outlive the spool; null: as SegmentStoreOptions::codec.
  const RecordCodec* codec = nullptr;
};

class Spool {
 public:
  struct Stats {
    uint64_t pending_records = 0;  // accepted and not acknowledged
    uint64_t bytes = 0;            // on disk
    uint64_t appended = 0;         // accepted in this run
    uint64_t rejected = 0;         // refused by Append: the caller reports them
    uint64_t unwritten = 0;        // accepted, and the disk refused them until the spool was closed
    uint64_t shed = 0;             // given up for want of room
    uint64_t quarantined = 0;      // files and pieces of files put aside as unreadable
    uint64_t corrupt = 0;          // damaged places found on disk
    uint64_t write_errors = 0;
    uint64_t syncs = 0;
  };

  // Creates or recovers `options.dir`. See SegmentStore::Open for the errors. Only tests give
  // another file system.
  static absl::StatusOr<std::unique_ptr<Spool>> Open(const SpoolOptions& options,
                                                     FileSystem& file_system = RealFileSystem());
  // Makes durable what was appended, persists the acknowledged position.
  ~Spool();
  Spool(const Spool&) = delete;
  Spool& operator=(const Spool&) = delete;

  // This run's epoch: positions given to Append carry it.
  uint64_t epoch() const { return store_->epoch(); }

  // Takes the record in a fraction of a microsecond, without I/O. False, and counted, if the queue
  // is full, the record is larger than 1 MiB, or its position is not after the last one's.
  bool Append(OutRecord record);
  // Waits until everything appended so far is durable. False if that takes longer than `timeout`.
  bool Flush(absl::Duration timeout = absl::Seconds(30));

  // See SegmentStore.
  size_t Read(Position after, size_t max_records, size_t max_bytes, std::vector<OutRecord>* out,
              ChainSpan* chain = nullptr);
  void Acknowledge(Position upto);
  Position acknowledged() const { return store_->acknowledged(); }
  ChainPoint head() const { return store_->head(); }
  Position newest() const { return head().position; }
  const std::vector<SpoolFinding>& findings() const { return store_->findings(); }

  // Whether Read(after) has a record, now or within `timeout`.
  bool WaitReadable(Position after, absl::Duration timeout);
  // Calls `listener` on the writer thread whenever records became durable; nullptr: none. Once this
  // returns, the former listener is not running and will not be called. Not to be called from one.
  void OnReadable(std::function<void()> listener);

  Stats stats() const;

 private:
  // Not absl::Time: a wall clock that is set back must not delay an alert.
  using SteadyTime = std::chrono::steady_clock::time_point;

  Spool(const SpoolOptions& options, std::unique_ptr<SegmentStore> store);
  void RunWriter();
  bool HasRoomFor(const OutRecord& record, bool urgent) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Whether the writer should write now what is queued.
  bool GroupIsDue() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Waits for work. False: closed and nothing left. An empty group: housekeeping only.
  bool NextGroup(std::vector<OutRecord>* group);
  void WriteGroup(const std::vector<OutRecord>& group);
  void FinishGroup(const std::vector<OutRecord>& group, bool durable);
  void ScheduleHousekeeping() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const SpoolOptions options_;
  const std::unique_ptr<SegmentStore> store_;

  mutable std::mutex mutex_;
  std::condition_variable work_;     // for the writer
  std::condition_variable durable_;  // for Flush and WaitReadable
  std::deque<OutRecord> queue_ ABSL_GUARDED_BY(mutex_);
  size_t queued_bytes_ ABSL_GUARDED_BY(mutex_) = 0;    // of queue_
  size_t unsynced_bytes_ ABSL_GUARDED_BY(mutex_) = 0;  // of queue_ and the group being written
  size_t unsynced_records_ ABSL_GUARDED_BY(mutex_) = 0;
  SteadyTime group_due_ ABSL_GUARDED_BY(mutex_) = SteadyTime::max();
  SteadyTime housekeeping_due_ ABSL_GUARDED_BY(mutex_) = SteadyTime::max();
  uint64_t flush_upto_ ABSL_GUARDED_BY(mutex_) = 0;  // a count of appended records
  uint64_t taken_ ABSL_GUARDED_BY(mutex_) = 0;       // from the queue, in all
  uint64_t finished_ ABSL_GUARDED_BY(mutex_) = 0;    // durable or given up, in all
  Position last_ ABSL_GUARDED_BY(mutex_);
  bool closing_ ABSL_GUARDED_BY(mutex_) = false;
  Stats counts_ ABSL_GUARDED_BY(mutex_);  // appended, rejected, unwritten

  std::mutex listener_mutex_;
  std::function<void()> listener_ ABSL_GUARDED_BY(listener_mutex_);

  std::thread writer_;  // last: it uses all of the above
};

}  // namespace vakt

#endif  // VAKT_AGENT_SPOOL_SPOOL_H_
