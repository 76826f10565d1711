// SPDX-License-Identifier: Apache-2.0
#include "agent/spool/segment_rewriter.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "agent/spool/segment_reader.h"
#include "common/base/status.h"
#include "common/recordlog/record_log_writer.h"

namespace vakt {
namespace {

class Rewriter {
 public:
  Rewriter(FileSystem& file_system, const std::string& dir, const RewriteOrder& order,
           const RecordCodec* codec)
      : file_system_(file_system), dir_(dir), order_(order), codec_(codec) {
    const SegmentName last = order.inputs.back().name;
    out_.segment.name = {last.number, last.generation + 1};
    path_ = SegmentPath(dir, out_.segment.name);
  }

  absl::StatusOr<Rewritten> Run() {
    absl::Status status = Copy();
    if (status.ok() && writer_ != nullptr) status = Complete();
    writer_.reset();
    if (!status.ok()) {
      file_system_.Unlink(path_ + ".tmp").IgnoreError();
      return status;
    }
    return std::move(out_);
  }

 private:
  absl::Status Copy() {
    for (const Segment& input : order_.inputs) {
      SegmentReader reader(file_system_, dir_, input, codec_);
      for (StoredRecord stored; reader.Next(&stored);) VAKT_RETURN_IF_ERROR(Take(stored));
      // Damage costs records, and a file that is gone costs them all. A disk that cannot be read
      // now may be so later: the old files stay.
      const absl::Status& status = reader.status();
      if (!absl::IsNotFound(status) && !absl::IsInvalidArgument(status)) {
        VAKT_RETURN_IF_ERROR(status);
      }
    }
    return FlushRun();
  }

  absl::Status Take(StoredRecord& stored) {
    if (stored.last() <= order_.acknowledged) {
      acknowledged_ = {stored.last(), stored.after()};
      return absl::OkStatus();
    }
    const bool shed = !stored.tombstone && order_.shed_rank &&
                      ShedRank(stored.record.priority) == *order_.shed_rank;
    if (shed) {
      ++out_.shed;
      return Extend(ToTombstone(stored));
    }
    if (stored.tombstone) return Extend(std::move(stored));
    VAKT_RETURN_IF_ERROR(FlushRun());
    return Write(stored);
  }

  StoredRecord ToTombstone(const StoredRecord& stored) const {
    Tombstone one;
    one.first = one.last = stored.record.position;
    one.count = 1;
    one.by_priority[static_cast<uint8_t>(stored.record.priority)] = 1;
    one.reason = order_.reason;
    if (codec_ != nullptr) {
      const RecordCodec::Facts facts = codec_->Describe(stored.record.bytes);
      one.boot_id = facts.boot_id;
      one.begin_wall_ns = one.end_wall_ns = facts.wall_ns;
    }
    return MakeStoredTombstone(std::move(one), stored.before, stored.after());
  }

  // Merges `next` with the tombstones right before it, if it joins them.
  absl::Status Extend(StoredRecord next) {
    const bool joins = run_ && run_->last().epoch == next.first().epoch &&
                       run_->last().seq + 1 == next.first().seq &&
                       run_->tombstone->reason == next.tombstone->reason;
    if (!joins) {
      VAKT_RETURN_IF_ERROR(FlushRun());
      run_ = std::move(next);
      return absl::OkStatus();
    }
    Tombstone& run = *run_->tombstone;
    const Tombstone& more = *next.tombstone;
    run.last = run_->record.position = more.last;
    run.count += more.count;
    if (run.by_priority.empty() || more.by_priority.empty()) {
      run.by_priority.clear();  // of some of them it is unknown
    } else {
      for (const auto& [priority, count] : more.by_priority) run.by_priority[priority] += count;
    }
    if (run.boot_id.empty()) run.boot_id = more.boot_id;
    if (run.begin_wall_ns == 0) run.begin_wall_ns = more.begin_wall_ns;
    run.end_wall_ns = std::max(run.end_wall_ns, more.end_wall_ns);
    run_->tombstone_after = next.tombstone_after;
    return absl::OkStatus();
  }

  absl::Status FlushRun() {
    if (!run_) return absl::OkStatus();
    const StoredRecord run = *std::exchange(run_, std::nullopt);
    return Write(run);
  }

  absl::Status Write(const StoredRecord& stored) {
    if (writer_ == nullptr) VAKT_RETURN_IF_ERROR(Begin());
    EncodeSpoolRecord(stored, &payload_);
    out_.segment.Add(stored, writer_->size_bytes(), payload_.size());
    out_.segment.end = {stored.last(), stored.after()};
    return writer_->Append(payload_);
  }

  absl::Status Begin() {
    out_.segment.begin = acknowledged_.value_or(order_.inputs.front().begin);
    file_system_.Unlink(path_ + ".tmp").IgnoreError();  // of an attempt that was interrupted
    VAKT_ASSIGN_OR_RETURN(
        writer_, RecordLogWriter::Create(path_ + ".tmp",
                                         EncodeSegmentHeader({out_.segment.name.number,
                                                              order_.epoch, out_.segment.begin}),
                                         file_system_));
    return absl::OkStatus();
  }

  absl::Status Complete() {
    VAKT_RETURN_IF_ERROR(writer_->Sync());
    out_.segment.end_bytes = writer_->size_bytes();
    VAKT_RETURN_IF_ERROR(writer_->Close());
    VAKT_RETURN_IF_ERROR(file_system_.Rename(path_ + ".tmp", path_));
    return file_system_.SyncDirectory(dir_);
  }

  FileSystem& file_system_;
  const std::string& dir_;
  const RewriteOrder& order_;
  const RecordCodec* const codec_;
  std::string path_;
  std::unique_ptr<RecordLogWriter> writer_;
  std::string payload_;
  std::optional<ChainPoint> acknowledged_;  // the last of what is left out as acknowledged
  std::optional<StoredRecord> run_;         // tombstones that may still grow
  Rewritten out_;
};

}  // namespace

absl::StatusOr<Rewritten> RewriteSegments(FileSystem& file_system, const std::string& dir,
                                          const RewriteOrder& order, const RecordCodec* codec) {
  return Rewriter(file_system, dir, order, codec).Run();
}

}  // namespace vakt
