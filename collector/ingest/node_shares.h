// SPDX-License-Identifier: Apache-2.0
// What each node may have stored in a day, one day's worth at once, so that no node fills the disk
// that all share. A node that has used its share is read from as slowly as the share grows; its
// agent keeps the rest in its spool and, when that is full, sheds the least severe first and tells
// so: nothing that was acknowledged has to go. A node's share outlives its connections, not the
// collector.
// Threads: thread-safe.
#ifndef VAKT_COLLECTOR_INGEST_NODE_SHARES_H_
#define VAKT_COLLECTOR_INGEST_NODE_SHARES_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/base/strings.h"
#include "common/base/token_bucket.h"

namespace vakt {

// Of one node.
class NodeShare {
 public:
  explicit NodeShare(uint64_t bytes_per_day);

  void Take(uint64_t bytes, absl::Time now);
  bool IsUsedUp(absl::Time now);
  // As if the node had never sent anything.
  bool IsUntouched(absl::Time now);

 private:
  absl::Mutex mutex_;
  TokenBucket bytes_ ABSL_GUARDED_BY(mutex_);
};

class NodeShares {
 public:
  explicit NodeShares(uint64_t bytes_per_day) : bytes_per_day_(bytes_per_day) {}

  // `key`: as SessionRegistry::Key makes it.
  std::shared_ptr<NodeShare> Of(const std::string& key, absl::Time now);

 private:
  const uint64_t bytes_per_day_;  // 0: no limit
  absl::Mutex mutex_;
  StringMap<std::shared_ptr<NodeShare>> shares_ ABSL_GUARDED_BY(mutex_);
  size_t sweep_at_ ABSL_GUARDED_BY(mutex_) = 1024;
};

}  // namespace vakt

#endif  // VAKT_COLLECTOR_INGEST_NODE_SHARES_H_
