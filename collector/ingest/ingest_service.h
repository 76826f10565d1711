// SPDX-License-Identifier: Apache-2.0
// The agents' door: lets agents in by certificate, one session each.
//
// Ownership: the store must outlive it, and it the gRPC server. Threads: thread-safe; one
// thread watches the time of all sessions.
#ifndef VAKT_COLLECTOR_INGEST_INGEST_SERVICE_H_
#define VAKT_COLLECTOR_INGEST_INGEST_SERVICE_H_

#include <atomic>
#include <string_view>
#include <thread>

#include "collector/ingest/identity_alarm.h"
#include "collector/ingest/ingest_session.h"
#include "collector/ingest/ingest_stats.h"
#include "collector/ingest/session_registry.h"
#include "collector/store/store.h"
#include "common/base/wakeup.h"
#include "vakt/v1/ingest.grpc.pb.h"

namespace vakt {

class IngestService final : public v1::Ingest::CallbackService {
 public:
  // Both must outlive it; `observer` may be null.
  explicit IngestService(Store* store, IngestLimits limits = {},
                         IngestObserver* observer = nullptr);
  ~IngestService() override;

  grpc::ServerBidiReactor<v1::AgentMessage, v1::CollectorMessage>* Connect(
      grpc::CallbackServerContext* call) override;

  // Takes no new session, and lets the present ones acknowledge what is in flight and end.
  void Drain();

  bool IsConnected(std::string_view cluster, std::string_view node) const {
    return registry_.IsConnected(cluster, node);
  }
  bool HasSession(std::string_view cluster, std::string_view node) const {
    return registry_.HasSession(cluster, node);
  }
  const IngestStats& stats() const { return stats_; }

 private:
  // Looks at the clock for all sessions.
  void Watch();

  Store& store_;
  const IngestLimits limits_;
  IngestStats stats_;
  SessionRegistry registry_;
  IdentityAlarm identity_alarm_;
  NodeShares shares_;
  IngestObserver no_observer_;
  IngestObserver& observer_;
  std::atomic<bool> draining_{false};

  Wakeup stop_;
  std::thread watch_;
};

}  // namespace vakt

#endif  // VAKT_COLLECTOR_INGEST_INGEST_SERVICE_H_
