// SPDX-License-Identifier: Apache-2.0
// Serves all subscriptions with one reader thread: whoever is behind the store and is not sending
// gets a bounded scan in turn. A slow subscriber is simply not in the queue while gRPC sends its
// page, so it delays nobody; it costs one page of memory.
//
// Ownership: the store must outlive the hub; the hub must outlive its subscriptions (the gRPC
// server is shut down, with all calls done, before the hub goes).
// Threads: thread-safe.
#ifndef VAKT_COLLECTOR_SUBSCRIBE_SUBSCRIPTION_HUB_H_
#define VAKT_COLLECTOR_SUBSCRIBE_SUBSCRIPTION_HUB_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "collector/store/store.h"
#include "collector/subscribe/subscription.h"
#include "common/base/wakeup.h"
#include "vakt/v1/query.pb.h"

namespace vakt {

struct SubscribeOptions {
  absl::Duration heartbeat = absl::Seconds(10);
  size_t page_records = 256;
  size_t page_bytes = 1 << 20;
  size_t max_subscriptions = 256;  // times a page: the memory that slow subscribers can hold
};

class SubscriptionHub {
 public:
  explicit SubscriptionHub(Store* store, SubscribeOptions options = {});
  ~SubscriptionHub();

  // A new subscription of `user`, to be handed to gRPC, which owns it. INVALID_ARGUMENT and
  // FAILED_PRECONDITION for a bad filter or cursor, RESOURCE_EXHAUSTED when there are too many.
  absl::StatusOr<Subscription*> Open(const std::string& user, const v1::SubscribeRequest& request);
  bool IsConnected(const ConsumerKey& consumer) const ABSL_LOCKS_EXCLUDED(mutex_);

  // Ends all subscriptions with UNAVAILABLE, each after the page it is sending.
  void Drain() ABSL_LOCKS_EXCLUDED(mutex_);
  size_t size() const ABSL_LOCKS_EXCLUDED(mutex_);

  // For Subscription.
  void OnPageSent(Subscription* subscription, bool ok) ABSL_LOCKS_EXCLUDED(mutex_);
  void OnCancelled(Subscription* subscription) ABSL_LOCKS_EXCLUDED(mutex_);
  void Remove(Subscription* subscription) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Page {
    ScanResult scan;
    int64_t expired_id = 0;  // records up to here were deleted before they were read; 0: none
  };

  absl::StatusOr<int64_t> StartOf(const v1::SubscribeRequest& request) const;
  // The store has said where the consumer of `subscription` stands.
  void Begin(Subscription* subscription, const absl::StatusOr<int64_t>& position)
      ABSL_LOCKS_EXCLUDED(mutex_);
  void EndOlder(const std::string& consumer) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<Page> ReadPage(Subscription* subscription) const;
  void OnCommit(int64_t last_id) ABSL_LOCKS_EXCLUDED(mutex_);
  void Run();
  // The next subscription to read for, in state kReading; null to stop.
  Subscription* TakeNext() ABSL_LOCKS_EXCLUDED(mutex_);
  void Serve(Subscription* subscription) ABSL_LOCKS_EXCLUDED(mutex_);
  void Send(Subscription* subscription, Page page) ABSL_LOCKS_EXCLUDED(mutex_);
  // Sends nothing: the subscription waits for news, or goes on if there is some already.
  void Rest(Subscription* subscription, bool at_end) ABSL_LOCKS_EXCLUDED(mutex_);

  absl::Time NextHeartbeat() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void QueueHeartbeats(absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Queue(Subscription* subscription) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // True when the subscription had to be ended: cancelled, or the hub drains.
  bool EndIfDue(Subscription* subscription) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void End(Subscription* subscription, const grpc::Status& status)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Store& store_;
  const SubscribeOptions options_;

  mutable absl::Mutex mutex_;
  absl::flat_hash_set<Subscription*> subscriptions_ ABSL_GUARDED_BY(mutex_);
  std::deque<Subscription*> queue_ ABSL_GUARDED_BY(mutex_);
  int64_t last_id_ ABSL_GUARDED_BY(mutex_) = 0;  // newest committed record
  bool draining_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  Wakeup news_;  // of queue_ and stopping_
  std::thread thread_;
};

}  // namespace vakt

#endif  // VAKT_COLLECTOR_SUBSCRIBE_SUBSCRIPTION_HUB_H_
