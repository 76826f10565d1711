// SPDX-License-Identifier: Apache-2.0
// The spool's disk: an append-only sequence of segment files, its index and its limits. No threads
// of its own; Spool puts a queue and a writer thread in front.
//
// Threads: Write and Housekeep from one thread at a time (the writer); the rest from any. Reading
// and writing do not wait for each other's I/O.
//
// Durable: a record is when the Write that took it returned OK. It then survives a kill and a power
// loss, is read back by Read in order, and is freed only when acknowledged or, told by TakeShed,
// when it is the oldest and the limit is reached.
#ifndef VAKT_AGENT_SPOOL_SEGMENT_STORE_H_
#define VAKT_AGENT_SPOOL_SEGMENT_STORE_H_

#include <cstdint>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "agent/spool/position.h"
#include "agent/spool/segment_recovery.h"
#include "agent/spool/spool_record.h"
#include "common/recordlog/file_system.h"
#include "common/recordlog/record_log_reader.h"
#include "common/recordlog/record_log_writer.h"

namespace vakt {

struct SegmentStoreOptions {
  std::string dir;
  uint64_t max_bytes = 256u << 20;    // all segments; at least 4 segments' worth is kept apart
  uint64_t segment_bytes = 8u << 20;  // lowered to a quarter of max_bytes if it is more
};

class SegmentStore {
 public:
  struct Stats {
    uint64_t pending_records = 0;  // durable and not acknowledged
    uint64_t bytes = 0;            // of all segments
    uint64_t shed = 0;             // records given up unacknowledged, for whatever reason
    uint64_t quarantined = 0;      // segments put aside
    uint64_t corrupt = 0;          // damaged places found
    uint64_t write_errors = 0;     // failed creates, writes and syncs
    uint64_t syncs = 0;
  };

  // Creates the directory if need be, recovers what it holds, takes and persists the next epoch.
  // `file_system` must outlive the store. kFailedPrecondition if another process uses the
  // directory.
  static absl::StatusOr<std::unique_ptr<SegmentStore>> Open(SegmentStoreOptions options,
                                                            FileSystem& file_system);

  // This run's. Greater than that of any earlier run with this directory; greater than that of a
  // directory that was wiped, too, unless the clock was set back meanwhile.
  uint64_t epoch() const { return epoch_; }

  // Makes `group` durable. Positions rise, from group to group too. After a failed write or sync
  // the file is given up and the group written again, whole, to a new segment. An error means that
  // this did not help: nothing is lost, call again later with the same group.
  absl::Status Write(absl::Span<const OutRecord> group);
  // Deletes freed segments; persists the acknowledged position if it moved.
  void Housekeep();

  // Appends to *out the durable records after `after`, in order, until a limit is met; at least one
  // if there is one. Returns how many.
  size_t Read(Position after, size_t max_records, size_t max_bytes, std::vector<OutRecord>* out);
  // Whether Read(after) would find a record.
  bool HasAfter(Position after) const;

  // The collector has everything up to here. Frees whole segments; never moves back.
  void Acknowledge(Position upto);
  Position acknowledged() const;
  // The last record that became durable, be it gone since.
  Position newest() const;

  // What was given up since the last call.
  std::vector<ShedRange> TakeShed();
  Stats stats() const;

 private:
  // Where the last Read stopped, so that the next goes on without searching.
  struct Cursor {
    uint64_t number = 0;  // 0: none
    Position after;
    std::unique_ptr<RecordLogReader> reader;
  };
  struct ReadLimits {
    size_t records;
    size_t bytes;
    bool any = false;  // a record was read: from here on `bytes` counts
  };
  // What a reader needs of a segment, copied under the mutex.
  struct SegmentView {
    uint64_t number = 0;
    uint64_t offset = 0;     // where to begin
    uint64_t end_bytes = 0;  // do not read on from here
    Position last;           // nor past this record
  };

  SegmentStore(SegmentStoreOptions options, FileSystem& file_system,
               std::unique_ptr<FileLock> lock);
  void ReadAcknowledged();
  absl::Status TakeEpoch();

  absl::Status TryWrite(absl::Span<const OutRecord> group);
  absl::Status BeginSegment();
  void Publish(absl::Span<const OutRecord> group, absl::Span<const uint64_t> offsets);
  void GiveUpActive();
  void DeleteFreed();
  // Frees the oldest segment but the one being written; false if there is none.
  bool ShedOldest(ShedReason reason);

  bool FindSegment(Position after, SegmentView* view) const;
  // Reads from one segment. False: a limit is met; true: go on with the next segment.
  bool ReadSegment(const SegmentView& view, Position* after, ReadLimits* limits,
                   std::vector<OutRecord>* out) ABSL_EXCLUSIVE_LOCKS_REQUIRED(read_mutex_);
  absl::Status OpenCursor(const SegmentView& view, Position after)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(read_mutex_);
  // Records of segment `number` between `before` and `next` (to its end, if zero) are unreadable.
  void ReportDamage(uint64_t number, Position before, Position next);
  void Lose(const ShedRange& range) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const SegmentStoreOptions options_;
  FileSystem& file_system_;
  const std::unique_ptr<FileLock> lock_;
  uint64_t epoch_ = 0;

  // The writer's.
  std::unique_ptr<RecordLogWriter> active_;
  uint64_t next_number_ = 1;

  std::mutex read_mutex_ ABSL_ACQUIRED_BEFORE(mutex_);
  Cursor cursor_ ABSL_GUARDED_BY(read_mutex_);

  mutable std::mutex mutex_;  // never held over I/O
  std::vector<Segment> segments_ ABSL_GUARDED_BY(mutex_);
  uint64_t active_number_ ABSL_GUARDED_BY(mutex_) = 0;   // the last segment begun
  std::vector<uint64_t> freed_ ABSL_GUARDED_BY(mutex_);  // numbers of files to delete
  Position last_durable_ ABSL_GUARDED_BY(mutex_);
  Position acknowledged_ ABSL_GUARDED_BY(mutex_);
  bool acknowledged_moved_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<ShedRange> shed_ ABSL_GUARDED_BY(mutex_);
  std::set<Position> damage_reported_ ABSL_GUARDED_BY(mutex_);  // first lost position of each
  Stats stats_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace vakt

#endif  // VAKT_AGENT_SPOOL_SEGMENT_STORE_H_
