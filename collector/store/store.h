// SPDX-License-Identifier: Apache-2.0
// The collector's store: one SQLite database in one directory, its single writer and its readers.
//
//   VAKT_ASSIGN_OR_RETURN(auto store, Store::Open({.directory = "/var/lib/vakt-collector"}));
//   store->RegisterNode(key, hello, [](absl::StatusOr<Registration> registration) { ... });
//   store->Append(registration.stream, std::move(batch), [](const absl::Status& stored) { ... });
//   VAKT_ASSIGN_OR_RETURN(ScanResult page, store->Scan(filter, {.max_records = 100}));
//
// Guarantees: a write is reported done only after it is synced to the disk; a record is stored once
// however often it is sent; readers see whole commits in the order of ids. When the disk is full
// writes fail with RESOURCE_EXHAUSTED, nothing is half written, and reads go on; whatever room
// there is again is used (disk_reserve.h).
//
// Threads: thread-safe. Write callbacks run on the writer thread: they must be short and must not
// wait. Reads block their caller, on the disk and on one of kReaders connections.
#ifndef VAKT_COLLECTOR_STORE_STORE_H_
#define VAKT_COLLECTOR_STORE_STORE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "collector/store/backup.h"
#include "collector/store/cursor.h"
#include "collector/store/disk_reserve.h"
#include "collector/store/group_commit.h"
#include "collector/store/node_key.h"
#include "collector/store/record_filter.h"
#include "collector/store/record_reader.h"
#include "collector/store/record_row.h"
#include "collector/store/retention.h"
#include "common/base/clock.h"
#include "common/base/unique_fd.h"
#include "vakt/v1/fleet.pb.h"
#include "vakt/v1/ingest.pb.h"
#include "vakt/v1/query.pb.h"

namespace vakt {

struct StoreOptions {
  std::string directory;                            // made when it does not exist
  absl::Duration retention = absl::Hours(90 * 24);  // since a record was received
  // Of records of these classes (alerts by priority; kRetentionClassOfNotes, ...OfFlows) instead.
  std::vector<std::pair<int, absl::Duration>> retention_of;
  absl::Duration audit_retention = absl::Hours(365 * 24);
  uint64_t max_bytes = 0;  // of the database file; 0: what the disk holds
  // Kept free for a full disk: as much as the log can hold, what a checkpoint waits for and the
  // largest transaction. 0: nothing.
  uint64_t reserve_bytes = 32 << 20;
  Clock* clock = &RealClock();
  // What is known of records beside their bytes; outlives the store. Null: nothing.
  const RecordCompletion* completion = nullptr;
};

class Store {
 public:
  using Done = absl::AnyInvocable<void(const absl::Status&)>;

  // Checks the whole database first. DATA_LOSS when it is damaged, FAILED_PRECONDITION when the
  // directory cannot be written or belongs to a running collector.
  static absl::StatusOr<std::unique_ptr<Store>> Open(StoreOptions options);
  ~Store();  // writes what was submitted

  const RecordCompletion* completion() const { return options_.completion; }

  void RegisterNode(NodeKey key, v1::Hello hello,
                    absl::AnyInvocable<void(absl::StatusOr<Registration>)> done);
  // ABORTED when an earlier Append of the stream has failed.
  void Append(std::shared_ptr<NodeStream> stream, RecordBatch batch, Done done);
  // An alert of the collector's own (own_alert.h).
  void Raise(NodeKey about, v1::Alert alert, Done done);
  // The same, and with it that alert.condition() has begun (with `detail`) or ended.
  void ChangeCondition(NodeKey about, v1::Alert alert, std::string detail, Done done);
  void AppendAudit(v1::AuditEntry entry, Done done);
  // Where the consumer stands; a new one stands at `start_id`.
  void OpenConsumer(ConsumerKey key, int64_t start_id,
                    absl::AnyInvocable<void(absl::StatusOr<int64_t>)> done);
  // These wait for the disk.
  absl::StatusOr<int64_t> Acknowledge(const ConsumerKey& key, int64_t id);
  absl::Status UpdateAlert(const v1::UpdateAlertRequest& request, const std::string& user);
  absl::Status DeleteConsumer(const ConsumerKey& key);
  // It is no longer listed until it says hello again; all that it sent stays. NOT_FOUND.
  absl::Status ForgetNode(const NodeKey& key);
  void RecordHeartbeat(std::shared_ptr<NodeStream> stream, v1::Heartbeat heartbeat, Done done);
  // Of writes that wait for the disk.
  size_t pending_bytes() const { return commits_->pending_bytes(); }
  uint64_t commits() const { return commits_->commits(); }
  // The last write found no room on the disk.
  bool is_full() const { return commits_->is_full(); }
  // Times that a node's stream did not continue what is stored of it, since Open.
  uint64_t chain_breaks() const { return chain_breaks_.load(std::memory_order_relaxed); }

  // `listener` is called on the writer thread after each commit with the newest record's id, until
  // its owner removes it; it must be short.
  void AddCommitListener(const void* owner, absl::AnyInvocable<void(int64_t last_id)> listener)
      ABSL_LOCKS_EXCLUDED(listeners_mutex_);
  void RemoveCommitListener(const void* owner) ABSL_LOCKS_EXCLUDED(listeners_mutex_);

  // `listener` is called on the writer thread when the disk has become full, and when it no longer
  // is; it must be short. Null: nobody.
  void SetFullListener(absl::AnyInvocable<void(bool is_full)> listener)
      ABSL_LOCKS_EXCLUDED(listeners_mutex_);

  absl::StatusOr<ScanResult> Scan(const RecordFilter& filter, const ScanRequest& request);
  absl::StatusOr<v1::StoredRecord> FindAlert(const std::string& uid);
  absl::StatusOr<std::vector<v1::Node>> ListNodes();  // all
  absl::StatusOr<NodePage> ListNodesAfter(const NodeKey& after, const NodePageLimits& limits);
  absl::StatusOr<std::vector<ConsumerRow>> ListConsumers(const std::string& user);
  absl::StatusOr<std::vector<v1::TriageChange>> TriageChanges(int64_t record_id);
  // Into <directory>/backup. `name` is one part of a path.
  absl::StatusOr<BackupResult> Backup(const std::string& name) ABSL_LOCKS_EXCLUDED(backup_mutex_);
  absl::StatusOr<int64_t> PrunedId(const RecordFilter& filter);
  absl::StatusOr<std::vector<ConditionRow>> ListConditions();
  absl::StatusOr<AuditPage> ListAudit(const AuditQuery& query);
  absl::StatusOr<std::vector<MalformedRow>> ListMalformed(const NodeKey& node, int64_t before_id,
                                                          int64_t max_records);
  // The oldest record that is still there; one more than the newest ever when there is none.
  absl::StatusOr<int64_t> OldestId();
  // The newest committed record's id, 0 before the first. Does not touch the disk.
  int64_t last_id() const { return last_id_.load(std::memory_order_acquire); }

  std::string CursorOf(int64_t record_id) const { return FormatCursor(store_id_, record_id); }
  absl::StatusOr<int64_t> IdOf(std::string_view cursor) const {
    return ParseCursor(store_id_, cursor);
  }

 private:
  static constexpr int kReaders = 4;
  class Lease;  // one reader, for one call

  explicit Store(StoreOptions options) : options_(std::move(options)) {}
  absl::Status LockDirectory();
  absl::Status OpenWriter(const std::string& path);
  void AppendPart(std::shared_ptr<NodeStream> stream, RecordBatch part, Done done);
  // Runs `apply` in a transaction and waits until it is durable.
  absl::Status Write(absl::AnyInvocable<absl::Status(RecordWriter&)> apply);
  absl::Status OpenReaders(const std::string& path);
  // The log becomes part of the database, and its room is free. False: there was nothing in it.
  bool MergeLog(const std::string& path);
  void Count(ChainBreak chain_break) {
    if (chain_break != ChainBreak::kNone) chain_breaks_.fetch_add(1, std::memory_order_relaxed);
  }

  const StoreOptions options_;
  UniqueFd lock_;  // held by flock until the end
  std::string store_id_;
  std::atomic<int64_t> last_id_{0};
  std::atomic<uint64_t> chain_breaks_{0};

  struct Listener {
    const void* owner;
    absl::AnyInvocable<void(int64_t)> call;
  };
  absl::Mutex listeners_mutex_;
  std::vector<Listener> listeners_ ABSL_GUARDED_BY(listeners_mutex_);
  absl::AnyInvocable<void(bool)> full_listener_ ABSL_GUARDED_BY(listeners_mutex_);

  absl::Mutex backup_mutex_;
  std::unique_ptr<Database> writer_database_;
  std::unique_ptr<DiskReserve> reserve_;  // the writer thread's, once that runs
  std::unique_ptr<GroupCommit> commits_;  // goes before its connection
  int64_t retention_time_ns_ = 0;         // when it was opened
  std::unique_ptr<Retention> retention_;

  // Last, to go first: only the last connection to go can empty the log, and readers cannot write.
  absl::Mutex readers_mutex_;
  std::vector<std::unique_ptr<RecordReader>> idle_readers_ ABSL_GUARDED_BY(readers_mutex_);
};

}  // namespace vakt

#endif  // VAKT_COLLECTOR_STORE_STORE_H_
