// SPDX-License-Identifier: Apache-2.0
// One sink at work: a thread that reads the store from the sink's cursor on, hands alerts to the
// destination, and moves the cursor when they have arrived. The store is its queue: a sink whose
// other side is slow or gone holds one batch in memory, waits on its own, and goes on from there.
//
// At least once: what was not confirmed is sent again, also after a crash. Order is kept from batch
// to batch. A record that the other side will never take goes to quarantine; a record that
// retention deleted first is counted.
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
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "collector/sink/destination.h"
#include "collector/sink/quarantine.h"
#include "collector/sink/sink_cursor.h"
#include "collector/store/store.h"
#include "common/base/backoff.h"
#include "common/sinks/sink_config.h"

namespace vakt {

// Since the start of the collector, but for the last four.
struct SinkStats {
  uint64_t delivered = 0;
  uint64_t retried = 0;  // records that were not taken, for now
  uint64_t refused = 0;
  uint64_t expired = 0;     // at most: records that retention deleted before they were read
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
  // One scan. True: there may be more at once.
  bool Step();
  // Until all of the batch is delivered or refused, or the sink is to stop (false).
  bool DeliverAll(std::vector<v1::StoredRecord> batch);
  // Takes the outcome of an attempt: what is left of the batch stays in it.
  void Settle(const std::vector<Delivery>& deliveries, std::vector<v1::StoredRecord>* batch,
              absl::Duration* wait);
  void SetFailure(const std::string& reason) ABSL_LOCKS_EXCLUDED(mutex_);
  void MoveTo(int64_t position);
  void CountExpired();
  // Until there is news, a tick is due, or the sink is to stop.
  void AwaitNews() ABSL_LOCKS_EXCLUDED(mutex_);
  // False: the sink is to stop.
  bool Sleep(absl::Duration time) ABSL_LOCKS_EXCLUDED(mutex_);
  int64_t IdOf(const v1::StoredRecord& record) const;

  const SinkConfig config_;
  Store& store_;
  RecordFilter filter_;
  const std::unique_ptr<Destination> destination_;
  SinkCursor cursor_;
  Quarantine quarantine_;
  Backoff backoff_;
  int64_t saved_ = 0;  // the cursor's file; the runner's thread only

  std::atomic<int64_t> position_{0};
  std::atomic<uint64_t> delivered_{0}, retried_{0}, refused_{0}, expired_{0};
  std::atomic<int64_t> oldest_received_ns_{0};  // of the batch under way; 0: none

  mutable absl::Mutex mutex_;
  std::string error_ ABSL_GUARDED_BY(mutex_);
  int64_t last_id_ ABSL_GUARDED_BY(mutex_) = 0;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace vakt

#endif  // VAKT_COLLECTOR_SINK_SINK_RUNNER_H_
