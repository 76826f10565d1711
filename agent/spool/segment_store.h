// SPDX-License-Identifier: Apache-2.0
// The spool's disk: an append-only sequence of segment files, linked by a hash chain, with an index
// and limits (docs/formats/spool.md). No threads of its own; Spool puts a queue and a writer thread
// in front.
//
// Threads: Write, Housekeep and Close from one thread at a time (the writer); the rest from any.
// Reading and writing do not wait for each other's I/O.
//
// Durable: a record is when the Write that took it returned OK. It then survives a kill and a power
// loss and is read back by Read in order, until it is acknowledged or, when there is no room left,
// given up: then a tombstone that says so takes its place, as durable as the record was.
#ifndef VAKT_AGENT_SPOOL_SEGMENT_STORE_H_
#define VAKT_AGENT_SPOOL_SEGMENT_STORE_H_

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "agent/spool/position.h"
#include "agent/spool/segment.h"
#include "agent/spool/segment_reader.h"
#include "agent/spool/spool_record.h"
#include "agent/spool/spool_scan.h"
#include "common/recordlog/file_system.h"
#include "common/recordlog/record_log_writer.h"

namespace vakt {

struct SegmentStoreOptions {
  std::string dir;
  uint64_t max_bytes = 256u << 20;     // all files
  uint64_t segment_bytes = 8u << 20;   // lowered to an eighth of max_bytes if it is more
  const RecordCodec* codec = nullptr;  // null: tombstones say less. Must outlive the store
};

// The chain before the first and after the last of some records. `before` is unknown if reading
// began within what is given up.
struct ChainSpan {
  std::optional<ChainHash> before;
  ChainHash after = {};
};

class SegmentStore {
 public:
  struct Stats {
    uint64_t pending_records = 0;  // durable and not acknowledged
    uint64_t bytes = 0;            // on disk
    uint64_t shed = 0;             // records given up for want of room
    uint64_t quarantined = 0;      // files and pieces of files put aside
    uint64_t corrupt = 0;          // damaged places found
    uint64_t write_errors = 0;     // failed creates, writes and syncs
    uint64_t syncs = 0;
  };

  // Creates the directory if need be, recovers what it holds, takes and persists the next epoch.
  // `file_system` must outlive the store. kFailedPrecondition if another process uses the
  // directory.
  static absl::StatusOr<std::unique_ptr<SegmentStore>> Open(SegmentStoreOptions options,
                                                            FileSystem& file_system);
  ~SegmentStore();  // as Close

  // This run's. Greater than that of any earlier run with this directory; greater than that of a
  // directory that was wiped or restored, too, unless the clock was set back meanwhile.
  uint64_t epoch() const { return epoch_; }
  // What was wrong with the directory when it was opened.
  const std::vector<SpoolFinding>& findings() const { return findings_; }

  // Makes `group` durable. Positions rise, from group to group too. After a failed write or sync
  // the file is given up and the group written again, whole, to a new segment. An error means that
  // this did not help: nothing is lost, call again later with the same group.
  absl::Status Write(absl::Span<const OutRecord> group);
  // Deletes freed segments; persists how far the spool and the collector are.
  void Housekeep();
  // No Write after this. Says on disk that the spool ends where it ends.
  void Close();

  // Appends to *out the durable records after `after`, in order, until a limit is met; at least one
  // if there is one. What is gone comes as the record that tells of it. Returns how many.
  size_t Read(Position after, size_t max_records, size_t max_bytes, std::vector<OutRecord>* out,
              ChainSpan* chain = nullptr);
  // Whether Read(after) would find a record.
  bool HasAfter(Position after) const;

  // The collector has everything up to here. Frees whole segments; never moves back.
  void Acknowledge(Position upto);
  Position acknowledged() const;
  // The chain after the last record that became durable, be it gone since.
  ChainPoint head() const;

  Stats stats() const;

 private:
  // Where the last Read stopped, so that the next goes on without searching.
  struct Cursor {
    Position after;
    SegmentName name;
    std::unique_ptr<SegmentReader> reader;  // null: none
  };
  struct SegmentView : SegmentSpan {
    uint64_t offset = 0;  // where to begin
  };
  class Batch;  // what one Read has gathered

  SegmentStore(SegmentStoreOptions options, FileSystem& file_system,
               std::unique_ptr<FileLock> lock);
  void Adopt(SpoolScan scan);
  void ReportFindings() const;
  absl::Status TakeEpoch();
  absl::Status PersistState(bool closed);

  absl::Status TryWrite(absl::Span<const OutRecord> group);
  absl::Status BeginSegment(uint64_t room_bytes);
  void Publish(absl::Span<const OutRecord> group, absl::Span<const uint64_t> offsets,
               const ChainPoint& end);
  void CloseActive();
  void GiveUpActive();
  void DeleteFreed();
  uint64_t BytesOnDisk() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // Room (segment_store_shed.cc).
  void MakeRoom(uint64_t bytes);
  // Gives up the least severe records of one segment; false if there is nothing left to give up.
  bool ShedOnce(LossReason reason);
  std::vector<Segment> ChooseVictims(std::optional<size_t>* rank) const;
  void Replace(const std::vector<Segment>& old, Segment by);
  void TakeReserve();
  bool ReleaseReserve();

  // Reading (segment_store_read.cc).
  bool FindSegment(Position after, SegmentView* view) const;
  // False: a limit is met; true: go on with what follows batch->after().
  bool ReadSegment(const SegmentView& view, Batch* batch)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(read_mutex_);
  bool MoveCursor(const SegmentView& view, Position after)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(read_mutex_);
  void NoteDamage() ABSL_EXCLUSIVE_LOCKS_REQUIRED(read_mutex_);

  const SegmentStoreOptions options_;
  FileSystem& file_system_;
  const std::unique_ptr<FileLock> lock_;
  uint64_t epoch_ = 0;
  std::vector<SpoolFinding> findings_;

  // The writer's.
  std::unique_ptr<RecordLogWriter> active_;
  uint64_t next_number_ = 1;
  bool has_reserve_ = false;
  bool closed_ = false;

  std::mutex read_mutex_ ABSL_ACQUIRED_BEFORE(mutex_);
  Cursor cursor_ ABSL_GUARDED_BY(read_mutex_);
  std::set<std::pair<SegmentName, uint64_t>> damage_noted_ ABSL_GUARDED_BY(read_mutex_);

  mutable std::mutex mutex_;  // never held over I/O
  std::vector<Segment> segments_ ABSL_GUARDED_BY(mutex_);
  uint64_t active_number_ ABSL_GUARDED_BY(mutex_) = 0;      // the last segment begun
  uint64_t active_room_bytes_ ABSL_GUARDED_BY(mutex_) = 0;  // reserved for it; 0: closed
  std::vector<SegmentName> freed_ ABSL_GUARDED_BY(mutex_);  // files to delete
  ChainPoint head_ ABSL_GUARDED_BY(mutex_);
  Position acknowledged_ ABSL_GUARDED_BY(mutex_);
  bool moved_ ABSL_GUARDED_BY(mutex_) = false;  // head or acknowledged, since they were persisted
  Stats stats_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace vakt

#endif  // VAKT_AGENT_SPOOL_SEGMENT_STORE_H_
