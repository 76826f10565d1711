// SPDX-License-Identifier: Apache-2.0
#include "collector/store/store.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/hash/hash.h"
#include "absl/synchronization/notification.h"
#include "collector/store/backup.h"
#include "collector/store/batch_parts.h"
#include "collector/store/record_writer.h"
#include "collector/store/schema.h"
#include "common/base/file.h"
#include "common/base/status.h"
#include "common/base/strings.h"

namespace vakt {
namespace {

// synchronous = FULL: in WAL mode each commit syncs the log before it returns.
// A checkpoint after 16 MiB of log: fewer, larger writes into the database than the default 4 MiB.
// No memory mapping: with it an I/O error would be a signal instead of an error.
// Flows are many, and are asked for soon or not at all.
constexpr absl::Duration kFlowRetention = absl::Hours(14 * 24);

constexpr std::string_view kWriterSettings = R"sql(
  PRAGMA synchronous = FULL;
  PRAGMA wal_autocheckpoint = 4096;
  PRAGMA journal_size_limit = 67108864;
  PRAGMA cache_size = -32768;
  PRAGMA mmap_size = 0;
  PRAGMA temp_store = MEMORY;
  PRAGMA trusted_schema = OFF;
)sql";

absl::Status LimitSize(Database& database, uint64_t max_bytes) {
  if (max_bytes == 0) return absl::OkStatus();
  VAKT_ASSIGN_OR_RETURN(const std::string page_bytes, database.QueryText("PRAGMA page_size"));
  return database.Execute(StrCat("PRAGMA max_page_count = ", max_bytes / std::stoull(page_bytes)));
}

RetentionAges AgesOf(const StoreOptions& options) {
  RetentionAges ages;
  ages.of_class.fill(options.retention);
  ages.of_class[kRetentionClassOfFlows] = std::min(options.retention, kFlowRetention);
  for (const auto& [record_class, age] : options.retention_of) {
    ages.of_class.at(static_cast<size_t>(record_class)) = age;
  }
  ages.audit = options.audit_retention;
  return ages;
}

// The caller's mistake, found before anything was written. As an error of the transaction it would
// undo the others of its group, and any user could make each of them sync alone.
bool IsRefusal(const absl::Status& status) {
  return absl::IsNotFound(status) || absl::IsFailedPrecondition(status);
}

// All that one node sends is one flow, over however many connections.
uint64_t FlowOf(const NodeKey& key) {
  return absl::HashOf(key.cluster, key.node) | 1;  // not 0
}

// Others' batches may go between the parts of a larger one.
constexpr size_t kPartBytes = 64 << 10;

}  // namespace

class Store::Lease {
 public:
  explicit Lease(Store& store) : store_(store) {
    absl::MutexLock lock(&store_.readers_mutex_);
    const auto has_reader = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(store_.readers_mutex_) {
      return !store_.idle_readers_.empty();
    };
    store_.readers_mutex_.Await(absl::Condition(&has_reader));
    reader_ = std::move(store_.idle_readers_.back());
    store_.idle_readers_.pop_back();
  }
  ~Lease() {
    absl::MutexLock lock(&store_.readers_mutex_);
    store_.idle_readers_.push_back(std::move(reader_));
  }
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;
  RecordReader* operator->() { return reader_.get(); }

 private:
  Store& store_;
  std::unique_ptr<RecordReader> reader_;
};

absl::StatusOr<std::unique_ptr<Store>> Store::Open(StoreOptions options) {
  std::unique_ptr<Store> store(new Store(std::move(options)));
  VAKT_RETURN_IF_ERROR(MakeDirectories(store->options_.directory, 0700));
  VAKT_RETURN_IF_ERROR(store->LockDirectory());
  const std::string path = store->options_.directory + "/vakt.db";
  VAKT_RETURN_IF_ERROR(store->OpenWriter(path));
  VAKT_RETURN_IF_ERROR(store->OpenReaders(path));
  store->retention_ =
      std::make_unique<Retention>(store->commits_.get(), store->options_.clock,
                                  AgesOf(store->options_), store->retention_time_ns_);
  return store;
}

Store::~Store() = default;

absl::Status Store::LockDirectory() {
  const std::string path = options_.directory + "/lock";
  lock_ = UniqueFd(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock_) return ErrnoStatus(errno, StrCat("open ", path));
  if (flock(lock_.get(), LOCK_EX | LOCK_NB) == 0) return absl::OkStatus();
  if (errno != EWOULDBLOCK) return ErrnoStatus(errno, StrCat("lock ", path));
  return absl::FailedPreconditionError(
      StrCat("data directory ", options_.directory,
             " is in use by another vakt-collector: stop it, or choose another --data-dir"));
}

absl::Status Store::OpenWriter(const std::string& path) {
  // Made here first for its mode, which SQLite gives to the log and its index as well.
  if (const UniqueFd file(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)); !file) {
    return ErrnoStatus(errno, StrCat("open ", path));
  }
  VAKT_ASSIGN_OR_RETURN(writer_database_, Database::Open(path, Database::Mode::kReadWrite));
  VAKT_RETURN_IF_ERROR(CheckIntegrity(*writer_database_, path));
  VAKT_ASSIGN_OR_RETURN(const std::string journal,
                        writer_database_->QueryText("PRAGMA journal_mode = WAL"));
  if (journal != "wal") {
    return absl::FailedPreconditionError(
        StrCat("store ", path, ": its file system cannot hold a write-ahead log (got \"", journal,
               "\"): use a local disk"));
  }
  VAKT_RETURN_IF_ERROR(writer_database_->Execute(std::string(kWriterSettings)));
  VAKT_RETURN_IF_ERROR(MigrateSchema(*writer_database_, options_.clock->WallNs()));
  VAKT_RETURN_IF_ERROR(LimitSize(*writer_database_, options_.max_bytes));
  reserve_ = std::make_unique<DiskReserve>(options_.directory + "/reserve", options_.reserve_bytes);
  VAKT_ASSIGN_OR_RETURN(auto writer, RecordWriter::Create(writer_database_.get(), options_.clock));
  last_id_ = writer->last_id();
  retention_time_ns_ = writer->retention_time_ns();
  commits_ = std::make_unique<GroupCommit>(
      std::move(writer),
      [this](int64_t last_id) {
        last_id_.store(last_id, std::memory_order_release);
        absl::MutexLock lock(&listeners_mutex_);
        for (Listener& listener : listeners_) listener.call(last_id);
      },
      [this](bool is_full) {
        absl::MutexLock lock(&listeners_mutex_);
        if (full_listener_) full_listener_(is_full);
      },
      [this, path] { return MergeLog(path); });
  return absl::OkStatus();
}

bool Store::MergeLog(const std::string& path) {
  std::error_code failed;
  const auto log_bytes = std::filesystem::file_size(path + "-wal", failed);
  if (failed || log_bytes == 0) return false;
  reserve_->GiveUp();
  const auto merged = writer_database_->QueryText("PRAGMA wal_checkpoint(TRUNCATE)");
  reserve_->TakeAgain();
  return merged.ok() && *merged == "0";
}

absl::Status Store::OpenReaders(const std::string& path) {
  absl::MutexLock lock(&readers_mutex_);
  for (int i = 0; i < kReaders; ++i) {
    VAKT_ASSIGN_OR_RETURN(auto reader, RecordReader::Open(path, options_.completion));
    store_id_ = reader->store_id();
    idle_readers_.push_back(std::move(reader));
  }
  return absl::OkStatus();
}

void Store::AddCommitListener(const void* owner, absl::AnyInvocable<void(int64_t)> listener) {
  absl::MutexLock lock(&listeners_mutex_);
  listeners_.push_back({owner, std::move(listener)});
}

void Store::RemoveCommitListener(const void* owner) {
  absl::MutexLock lock(&listeners_mutex_);
  std::erase_if(listeners_, [owner](const Listener& listener) { return listener.owner == owner; });
}

void Store::SetFullListener(absl::AnyInvocable<void(bool)> listener) {
  absl::MutexLock lock(&listeners_mutex_);
  full_listener_ = std::move(listener);
}

void Store::RegisterNode(NodeKey key, v1::Hello hello,
                         absl::AnyInvocable<void(absl::StatusOr<Registration>)> done) {
  auto registration = std::make_shared<Registration>();
  const uint64_t flow = FlowOf(key);
  commits_->Submit(
      {.apply = [registration, flow, key = std::move(key),
                 hello = std::move(hello)](RecordWriter& writer) -> absl::Status {
         VAKT_ASSIGN_OR_RETURN(*registration, writer.RegisterNode(key, hello));
         registration->stream->flow = flow;
         return absl::OkStatus();
       },
       .done =
           [this, registration, done = std::move(done)](const absl::Status& status) mutable {
             if (status.ok()) {
               Count(registration->chain_break);
               done(std::move(*registration));
             } else {
               done(status);
             }
           },
       .flow = flow});
}

void Store::Append(std::shared_ptr<NodeStream> stream, RecordBatch batch, Done done) {
  // The writer thread's alone: what became of the parts so far.
  const auto so_far = std::make_shared<absl::Status>();
  std::vector<RecordBatch> parts = SplitBatch(std::move(batch), kPartBytes);
  for (size_t i = 0; i < parts.size(); ++i) {
    const bool is_last = i + 1 == parts.size();
    AppendPart(
        stream, std::move(parts[i]),
        [so_far, done = is_last ? std::move(done) : nullptr](const absl::Status& status) mutable {
          if (so_far->ok()) *so_far = status;
          if (done) done(*so_far);
        });
  }
}

void Store::AppendPart(std::shared_ptr<NodeStream> stream, RecordBatch part, Done done) {
  const size_t bytes = BytesOf(part);
  const uint64_t flow = stream->flow;
  auto chain_break = std::make_shared<ChainBreak>(ChainBreak::kNone);
  commits_->Submit(
      {.apply = [stream, chain_break,
                 part = std::move(part)](RecordWriter& writer) -> absl::Status {
         if (stream->failed) {
           return absl::AbortedError("an earlier batch of this connection was not stored");
         }
         VAKT_ASSIGN_OR_RETURN(*chain_break, writer.Append(stream->node_id, part));
         return absl::OkStatus();
       },
       .done =
           [this, stream, chain_break, done = std::move(done)](const absl::Status& status) mutable {
             if (!status.ok()) stream->failed = true;
             if (status.ok()) Count(*chain_break);
             done(status);
           },
       .bytes = bytes,
       .flow = flow});
}

void Store::Raise(NodeKey about, v1::Alert alert, Done done) {
  const size_t bytes = alert.ByteSizeLong();
  commits_->Submit({.apply = [about = std::move(about), alert = std::move(alert)](
                                 RecordWriter& writer) { return writer.Raise(about, alert); },
                    .done = std::move(done),
                    .bytes = bytes});
}

void Store::ChangeCondition(NodeKey about, v1::Alert alert, std::string detail, Done done) {
  const size_t bytes = alert.ByteSizeLong();
  commits_->Submit(
      {.apply = [about = std::move(about), alert = std::move(alert), detail = std::move(detail)](
                    RecordWriter& writer) { return writer.ChangeCondition(about, alert, detail); },
       .done = std::move(done),
       .bytes = bytes});
}

void Store::AppendAudit(v1::AuditEntry entry, Done done) {
  const size_t bytes = entry.ByteSizeLong();
  commits_->Submit({.apply = [entry = std::move(entry)](
                                 RecordWriter& writer) { return writer.audit().Append(entry); },
                    .done = std::move(done),
                    .bytes = bytes});
}

void Store::RecordHeartbeat(std::shared_ptr<NodeStream> stream, v1::Heartbeat heartbeat,
                            Done done) {
  const size_t bytes = heartbeat.ByteSizeLong();
  const uint64_t flow = stream->flow;
  commits_->Submit({.apply =
                        [stream, heartbeat = std::move(heartbeat)](RecordWriter& writer) {
                          return writer.RecordHeartbeat(stream->node_id, heartbeat);
                        },
                    .done = std::move(done),
                    .bytes = bytes,
                    .flow = flow});
}

absl::StatusOr<ScanResult> Store::Scan(const RecordFilter& filter, const ScanRequest& request) {
  return Lease(*this)->Scan(filter, request);
}

absl::StatusOr<std::vector<ConditionRow>> Store::ListConditions() {
  return Lease(*this)->ListConditions();
}

absl::StatusOr<int64_t> Store::OldestId() { return Lease(*this)->OldestId(); }

absl::StatusOr<v1::StoredRecord> Store::FindAlert(const std::string& uid) {
  return Lease(*this)->FindAlert(uid);
}

absl::Status Store::Write(absl::AnyInvocable<absl::Status(RecordWriter&)> apply) {
  absl::Status outcome;
  absl::Status refusal;
  absl::Notification written;
  commits_->Submit({.apply =
                        [&](RecordWriter& writer) {
                          const absl::Status status = apply(writer);
                          refusal = IsRefusal(status) ? status : absl::OkStatus();
                          return refusal.ok() ? status : absl::OkStatus();
                        },
                    .done =
                        [&](const absl::Status& status) {
                          outcome = status;
                          written.Notify();
                        }});
  written.WaitForNotification();
  return outcome.ok() ? refusal : outcome;
}

void Store::OpenConsumer(ConsumerKey key, int64_t start_id,
                         absl::AnyInvocable<void(absl::StatusOr<int64_t>)> done) {
  auto position = std::make_shared<absl::StatusOr<int64_t>>();
  commits_->Submit({.apply =
                        [position, key = std::move(key), start_id](RecordWriter& writer) {
                          *position = writer.consumers().Open(key, start_id, writer.now_ns());
                          return IsRefusal(position->status()) ? absl::OkStatus()
                                                               : position->status();
                        },
                    .done =
                        [position, done = std::move(done)](const absl::Status& status) mutable {
                          if (status.ok()) {
                            done(*std::move(position));
                          } else {
                            done(status);
                          }
                        }});
}

absl::StatusOr<int64_t> Store::Acknowledge(const ConsumerKey& key, int64_t id) {
  absl::StatusOr<int64_t> stands;
  VAKT_RETURN_IF_ERROR(Write([&](RecordWriter& writer) {
    stands = writer.consumers().Acknowledge(key, id, writer.now_ns());
    return stands.status();
  }));
  return stands;
}

absl::Status Store::DeleteConsumer(const ConsumerKey& key) {
  return Write([&](RecordWriter& writer) { return writer.consumers().Delete(key); });
}

absl::Status Store::ForgetNode(const NodeKey& key) {
  return Write([&](RecordWriter& writer) { return writer.ForgetNode(key); });
}

absl::StatusOr<std::vector<ConsumerRow>> Store::ListConsumers(const std::string& user) {
  return Lease(*this)->consumers().List(user);
}

absl::Status Store::UpdateAlert(const v1::UpdateAlertRequest& request, const std::string& user) {
  return Write(
      [&](RecordWriter& writer) { return writer.triage().Update(request, user, writer.now_ns()); });
}

absl::StatusOr<std::vector<v1::TriageChange>> Store::TriageChanges(int64_t record_id) {
  return Lease(*this)->triage().Changes(record_id);
}

absl::StatusOr<BackupResult> Store::Backup(const std::string& name) {
  absl::MutexLock one_at_a_time(&backup_mutex_);
  return BackupDatabase(options_.directory + "/vakt.db", options_.directory + "/backup", name);
}

absl::StatusOr<int64_t> Store::PrunedId(const RecordFilter& filter) {
  return Lease(*this)->PrunedId(filter);
}

absl::StatusOr<AuditPage> Store::ListAudit(const AuditQuery& query) {
  return Lease(*this)->audit().List(query);
}

absl::StatusOr<std::vector<MalformedRow>> Store::ListMalformed(const NodeKey& node,
                                                               int64_t before_id,
                                                               int64_t max_records) {
  return Lease(*this)->malformed().List(node, before_id, max_records);
}

absl::StatusOr<std::vector<v1::Node>> Store::ListNodes() {
  VAKT_ASSIGN_OR_RETURN(NodePage page, ListNodesAfter({}, {}));
  return std::move(page.nodes);
}

absl::StatusOr<NodePage> Store::ListNodesAfter(const NodeKey& after, const NodePageLimits& limits) {
  return Lease(*this)->ListNodesAfter(after, limits);
}
}  // namespace vakt
