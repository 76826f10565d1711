// SPDX-License-Identifier: Apache-2.0
// One agent's stream, from its Hello to its end. Reads a message, checks it, hands it to the store,
// and acknowledges it when the store says that it is on the disk.
//
// Flow control: a few batches are in flight to the store; no more is read until they are done, so a
// fast agent waits in its own TCP window. When all agents together have too much waiting for the
// disk, each is held to one batch. An agent that sends more than its rate is not read from until it
// is back below: nothing is refused, so nothing is lost.
//
// Ownership: gRPC holds the session until OnDone, each write in flight until it is answered.
// Threads: gRPC's callback threads and the store's writer thread; thread-safe. Messages are decoded
// without the lock, because the writer thread must not wait for that.
#ifndef VAKT_COLLECTOR_INGEST_INGEST_SESSION_H_
#define VAKT_COLLECTOR_INGEST_INGEST_SESSION_H_

#include <grpcpp/support/server_callback.h>

#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "collector/access/identity.h"
#include "collector/ingest/agent_protocol.h"
#include "collector/ingest/identity_alarm.h"
#include "collector/ingest/ingest_observer.h"
#include "collector/ingest/ingest_stats.h"
#include "collector/ingest/node_shares.h"
#include "collector/ingest/session_registry.h"
#include "collector/store/store.h"
#include "common/base/token_bucket.h"
#include "common/base/wakeup.h"
#include "vakt/v1/ingest.pb.h"

namespace vakt {

struct IngestLimits {
  MessageLimits messages;
  int batches_in_flight = 4;         // per agent: one syncs, one waits, two are on their way
  size_t pending_bytes = 128 << 20;  // of all agents, beyond which each has one in flight
  size_t max_agents = 10'000;        // connected at once
  uint64_t bytes_per_second = 0;     // per agent; one that sends more waits. 0: no limit
  uint64_t node_bytes_per_day = 0;   // node_shares.h; 0: no limit
  absl::Duration hello_timeout = absl::Seconds(10);
  absl::Duration idle_timeout = absl::Minutes(5);  // without any message, after the Hello
};

// What all sessions share; outlives them.
struct IngestContext {
  Store& store;
  SessionRegistry& registry;
  IngestStats& stats;
  IdentityAlarm& identity_alarm;
  IngestObserver& observer;
  NodeShares& shares;
  IngestLimits limits;
};

class IngestSession final : public grpc::ServerBidiReactor<v1::AgentMessage, v1::CollectorMessage>,
                            public std::enable_shared_from_this<IngestSession> {
 public:
  static IngestSession* Start(const IngestContext& context, grpc::CallbackServerContext* call,
                              AgentIdentity agent);

  // A newer connection of the same agent has come.
  void Replace() ABSL_LOCKS_EXCLUDED(mutex_);
  // Acknowledges what is in flight, then ends with UNAVAILABLE.
  void Drain() ABSL_LOCKS_EXCLUDED(mutex_);

  // Goes on when the rate allows it; ends when nothing has come for too long.
  void CheckTime(absl::Time now) ABSL_LOCKS_EXCLUDED(mutex_);

  void OnReadDone(bool ok) override ABSL_LOCKS_EXCLUDED(mutex_);
  void OnWriteDone(bool ok) override ABSL_LOCKS_EXCLUDED(mutex_);
  void OnDone() override;

 private:
  IngestSession(const IngestContext& context, grpc::CallbackServerContext* call,
                AgentIdentity agent);

  NodeKey node_key() const { return {agent_.cluster, agent_.node}; }
  absl::Status HandleMessage();
  absl::Status HandleHello(v1::Hello* hello);
  absl::Status HandleBatch(v1::Batch* batch);
  void ReportMalformed(const TakenBatch& taken);
  absl::Status HandleHeartbeat(v1::Heartbeat* heartbeat);
  void OnRegistered(absl::StatusOr<Registration> registration) ABSL_LOCKS_EXCLUDED(mutex_);
  void OnStored(const absl::Status& status, const v1::Position* position)
      ABSL_LOCKS_EXCLUDED(mutex_);

  void Fail(const absl::Status& status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Not to be read from for now, because it has sent too much.
  bool IsHeldBack() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Starts whatever can be started: the next write, the next read, the end.
  void Advance() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const IngestContext context_;
  grpc::CallbackServerContext* const call_;  // valid until OnDone
  const AgentIdentity agent_;
  const std::string key_;
  const std::shared_ptr<NodeShare> share_;

  // Only one read is out at a time, and only its completion touches these.
  v1::AgentMessage message_;
  AgentProtocol protocol_;  // told what is stored before the first batch is read

  absl::Mutex mutex_;
  std::shared_ptr<NodeStream> stream_ ABSL_GUARDED_BY(mutex_);  // once registered
  std::shared_ptr<IngestSession> held_by_grpc_ ABSL_GUARDED_BY(mutex_);
  std::deque<v1::CollectorMessage> outgoing_ ABSL_GUARDED_BY(mutex_);
  int in_flight_ ABSL_GUARDED_BY(mutex_) = 0;
  TokenBucket rate_ ABSL_GUARDED_BY(mutex_);
  absl::Time last_read_ ABSL_GUARDED_BY(mutex_);  // or when the session began
  bool paused_ ABSL_GUARDED_BY(mutex_) = false;   // until the rate allows more
  bool reading_ ABSL_GUARDED_BY(mutex_) = false;
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
  bool done_ ABSL_GUARDED_BY(mutex_) = false;                    // call_ is gone
  std::optional<grpc::Status> drained_ ABSL_GUARDED_BY(mutex_);  // end when nothing is in flight
  std::optional<grpc::Status> failure_ ABSL_GUARDED_BY(mutex_);  // end now
};

}  // namespace vakt

#endif  // VAKT_COLLECTOR_INGEST_INGEST_SESSION_H_
