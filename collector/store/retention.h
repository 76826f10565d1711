// SPDX-License-Identifier: Apache-2.0
// Forgets records a fixed time after they were received (the collector's clock: a node cannot make
// its records live longer or shorter). Works in small steps between the agents' batches.
//
// Threads: a thread of its own, from construction to destruction.
#ifndef VAKT_COLLECTOR_STORE_RETENTION_H_
#define VAKT_COLLECTOR_STORE_RETENTION_H_

#include <cstdint>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "collector/store/group_commit.h"
#include "common/base/clock.h"

namespace vakt {

struct RetentionAges {
  absl::Duration records;
  absl::Duration audit;
};

class Retention {
 public:
  // Both must outlive it.
  Retention(GroupCommit* commits, Clock* clock, RetentionAges ages);
  ~Retention();

 private:
  void Run();
  // Deletes one step's records and waits for the commit. Returns how many.
  absl::StatusOr<int64_t> Step();

  GroupCommit& commits_;
  Clock& clock_;
  const RetentionAges ages_;
  absl::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace vakt

#endif  // VAKT_COLLECTOR_STORE_RETENTION_H_
