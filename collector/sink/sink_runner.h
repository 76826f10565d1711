// SPDX-License-Identifier: Apache-2.0
// One sink at work: a thread that reads the store from the sink's cursor on, hands alerts to the
// destination, and moves the cursor when they have arrived. The store is its queue: a sink whose
// other side is slow or gone holds one batch in memory, waits on its own, and goes on from there.
//
// At least once: what was not confirmed is sent again, also after a crash. Order is kept from batch
// to batch, but for a record that fails while others arrive (outbox.h). One that the other side
// will never take goes to quarantine, and an alert says so; a record that retention deleted first
// is counted.
//
// Ownership: the store must outlive it. Threads: a thread of its own from Start to destruction; all
// methods are thread-safe.
#ifndef VAKT_COLLECTOR_SINK_SINK_RUNNER_H_
#define VAKT_COLLECTOR_SINK_SINK_RUNNER_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "collector/sink/destination.h"
#include "collector/sink/outbox.h"
#include "collector/sink/quarantine.h"
#include "collector/sink/sink_cursor.h"
#include "collector/store/store.h"
#include "common/base/wakeup.h"
#include "common/sinks/sink_config.h"

namespace vakt {

// Since the start of the collector, but for the last five.
struct SinkStats {
  uint64_t delivered = 0;
  uint64_t retried = 0;  // records that were not taken, for now
  uint64_t refused = 0;
  uint64_t expired = 0;     // at most: records that retention deleted before they were read
  uint64_t deferred = 0;    // failed while others arrived, and are tried on their own
  int64_t lag_records = 0;  // stored behind the cursor, also those that the filter leaves out
  int64_t lag_ns = 0;       // age of the oldest record that is being sent; 0: none is
  bool failing = false;     // the last attempt did not succeed
  std::string error;        // why; empty: not failing
};

class SinkRunner {
 public:
  // `directory` keeps the cursor and the quarantine. Errors name the sink.
  static absl::StatusOr<std::unique_ptr<SinkRunner>> Create(const SinkConfig& config, Store* store,
                                                            const std::string& directory);
  ~SinkRunner();  // stops within moments; what is under way is sent again at the next start
  SinkRunner(const SinkRunner&) = delete;
  SinkRunner& operator=(const SinkRunner&) = delete;

  void Start();
  void OnCommit(int64_t last_id) ABSL_LOCKS_EXCLUDED(mutex_);
  void Reopen() { destination_->Reopen(); }
  SinkStats stats() const ABSL_LOCKS_EXCLUDED(mutex_);
  const std::string& name() const { return config_.name; }
  std::string_view kind() const { return RowOf(config_.kind).name; }

 private:
  SinkRunner(SinkConfig config, Store* store, const std::string& directory,
             std::unique_ptr<Destination> destination);
  absl::Status Prepare();
  // Tells the destination what it must still know.
  absl::Status Recall();
  void Run();
  // Reads on when there is nothing left to send. True: there may be more at once.
  bool Refill();
  // Hands to the destination what is due. False: nothing is.
  bool Attempt();
  bool SetAside(const v1::StoredRecord& record, const std::string& reason);
  void RaiseSetAside(const v1::StoredRecord& record, const std::string& reason);
  void SetFailure(const std::string& reason) ABSL_LOCKS_EXCLUDED(mutex_);
  // Up to where all is over, in memory and, if it is worth it, on the disk.
  void Settle();
  void CountExpired();
  // Until there is news, an attempt or a tick is due, or the sink is to stop.
  void Await() ABSL_LOCKS_EXCLUDED(mutex_);
  // False: the sink is to stop.
  bool Sleep(absl::Duration time) ABSL_LOCKS_EXCLUDED(mutex_);
  int64_t IdOf(const v1::StoredRecord& record) const;

  const SinkConfig config_;
  Store& store_;
  RecordFilter filter_;
  const std::unique_ptr<Destination> destination_;
  SinkCursor cursor_;
  Quarantine quarantine_;
  // The runner's thread only.
  Outbox outbox_;
  int64_t saved_ = 0;                         // the cursor's file
  absl::Time raised_ = absl::InfinitePast();  // the last alert that something was set aside
  uint64_t set_aside_since_ = 0;              // that alert

  std::atomic<int64_t> position_{0};  // has been read
  std::atomic<int64_t> settled_{0};   // up to here all is over
  std::atomic<uint64_t> delivered_{0}, retried_{0}, refused_{0}, expired_{0}, deferred_{0};
  std::atomic<int64_t> oldest_received_ns_{0};  // of what is under way; 0: nothing is

  mutable absl::Mutex mutex_;
  std::string error_ ABSL_GUARDED_BY(mutex_);
  int64_t last_id_ ABSL_GUARDED_BY(mutex_) = 0;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  Wakeup stop_;
  Wakeup news_;  // of last_id_ and stopping_
  std::thread thread_;
};

}  // namespace vakt

#endif  // VAKT_COLLECTOR_SINK_SINK_RUNNER_H_
