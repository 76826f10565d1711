// SPDX-License-Identifier: Apache-2.0
// The collector as a whole: the store, the services over it, and the gRPC server in front.
//
//   VAKT_ASSIGN_OR_RETURN(auto collector, Collector::Start(options));
//   ... collector->address() ...
//   collector->Stop();
//
// Threads: Start and Stop from one thread. The number of threads does not depend on the number of
// agents and subscribers: gRPC's callback threads (2 to 16, by CPUs), a bounded pool for queries,
// one writer, one reader for subscriptions, one for retention, one for each sink.
#ifndef VAKT_COLLECTOR_APP_COLLECTOR_H_
#define VAKT_COLLECTOR_APP_COLLECTOR_H_

#include <grpcpp/server.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "collector/app/admin_service.h"
#include "collector/app/alerts_service.h"
#include "collector/app/fleet_service.h"
#include "collector/app/flows_service.h"
#include "collector/app/front.h"
#include "collector/app/tls.h"
#include "collector/door/door.h"
#include "collector/ingest/ingest_service.h"
#include "collector/sink/sink_set.h"
#include "collector/store/store.h"
#include "collector/subscribe/subscription_hub.h"
#include "collector/workload/owner_watch.h"
#include "collector/workload/workload_table.h"
#include "common/http/metrics_server.h"

namespace vakt {

struct CollectorOptions {
  std::string listen = "127.0.0.1:7443";  // port 0: any free one
  TlsFiles tls;
  std::string token_file;  // empty: users need certificates
  int max_message_bytes = 4 << 20;
  DoorLimits door;
  StoreOptions store;
  IngestLimits ingest;
  SubscribeOptions subscribe;
  std::vector<SinkConfig> sinks;
  FleetOptions fleet;
  NodeWatchOptions node_watch;
  OwnerWatchOptions workloads;
  std::string metrics_listen;  // host:port of /metrics; empty: nowhere
};

class Collector {
 public:
  // Listens when it returns. Errors name the file, directory or address that is wrong.
  static absl::StatusOr<std::unique_ptr<Collector>> Start(const CollectorOptions& options);
  ~Collector();

  // host:port, with the port that was taken.
  const std::string& address() const { return address_; }
  const IngestStats& ingest_stats() const { return ingest_->stats(); }
  const Store& store() const { return *store_; }
  const SinkSet& sinks() const { return *sinks_; }

  // Where /metrics is; 0: nowhere.
  int metrics_port() const { return metrics_server_ == nullptr ? 0 : metrics_server_->port(); }
  // In Prometheus's text format.
  std::string MetricsText() const;

  // Opens the files of sinks by their names again: after log rotation.
  void ReopenFiles() { sinks_->Reopen(); }

  // Takes nothing new, acknowledges what is in flight, ends all streams, writes everything. Streams
  // that do not end within a few seconds are cut. Idempotent.
  void Stop();

 private:
  Collector() = default;
  absl::Status StartServer(const CollectorOptions& options,
                           const std::shared_ptr<grpc::ServerCredentials>& credentials);

  // gRPC's health service tells of each service by its name.
  void ReportHealth();
  // Why it takes no calls; empty: it does.
  std::string NotReady() const;

  // In the order of their use of one another; they go in the reverse.
  WorkloadTable workloads_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<OwnerWatch> owner_watch_;  // null: nobody is asked
  std::unique_ptr<SinkSet> sinks_;
  std::unique_ptr<FleetWatch> fleet_watch_;
  std::unique_ptr<IngestService> ingest_;
  std::unique_ptr<QueryHandler> query_;
  std::unique_ptr<SubscriptionHub> subscriptions_;
  std::unique_ptr<ConsumerHandler> consumers_;
  std::unique_ptr<FleetHandler> fleet_;
  std::unique_ptr<NodeWatchHub> node_watches_;
  std::unique_ptr<Front> front_;
  std::unique_ptr<AlertsService> alerts_service_;
  std::unique_ptr<FlowsService> flows_service_;
  std::unique_ptr<FleetService> fleet_service_;
  std::unique_ptr<AdminService> admin_service_;
  std::unique_ptr<Door> door_;
  std::unique_ptr<grpc::Server> server_;
  int64_t started_boot_ns_ = 0;
  std::atomic<bool> serving_{false};
  std::unique_ptr<MetricsServer> metrics_server_;
  std::string address_;
};

}  // namespace vakt

#endif  // VAKT_COLLECTOR_APP_COLLECTOR_H_
