// SPDX-License-Identifier: Apache-2.0
#include "collector/app/collector.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/server_builder.h>

#include <chrono>
#include <string_view>
#include <utility>
#include <vector>

#include "collector/app/call_watch.h"
#include "common/base/clock.h"
#include "common/base/status.h"
#include "common/base/strings.h"

namespace vakt {
namespace {

// What peers can make gRPC itself hold: messages on their way in and out, and what each connection
// of an agent takes while nothing is on its way. When that is used up gRPC closes connections.
constexpr size_t kTransportBytes = 256 << 20;
constexpr size_t kTransportBytesOfAgent = 48 << 10;
// Of which queries that run at once take one each; more are refused with RESOURCE_EXHAUSTED.
constexpr int kMaxServerThreads = 32;
constexpr std::chrono::seconds kStopGrace{5};

constexpr int kMaxReadBytes = 16 << 10;  // at a time

struct ChannelArgument {
  const char* name;
  int value;
};
constexpr ChannelArgument kChannelArguments[] = {
    // A peer that vanished without a word is noticed within 80 s. When ten thousand come back at
    // once, the answer of one of them takes longer than some seconds.
    {GRPC_ARG_KEEPALIVE_TIME_MS, 60'000},
    {GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 20'000},
    {GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1},
    // Agents may ask as often as they like whether we are there; the door closes who sends much
    // more than messages (tally.h). gRPC could send such a peer away itself, but that waits until
    // the peer has read what was written to it, and until then adds an error about each further
    // ping
    // to those before: some hundred kilobytes of pings took 100 MiB and others' turns for 150 ms.
    {GRPC_ARG_HTTP2_MAX_PING_STRIKES, 0},
    // An agent has one stream, a client a few.
    {GRPC_ARG_MAX_CONCURRENT_STREAMS, 32},
    {GRPC_ARG_MAX_METADATA_SIZE, 8 << 10},
    {GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, 5'000},
    // gRPC takes in what it has read of one connection before it looks at another, on few threads:
    // four megabytes (its default) of pings or resets keep one for a second.
    {GRPC_ARG_TCP_MAX_READ_CHUNK_SIZE, kMaxReadBytes},
};

void Limit(const CollectorOptions& options, grpc::ServerBuilder& builder) {
  builder.SetMaxReceiveMessageSize(options.max_message_bytes);
  for (const auto& [name, value] : kChannelArguments) builder.AddChannelArgument(name, value);
  // Compressed messages could be small on the wire and huge in memory; records are not worth it.
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_DEFLATE, false);
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_GZIP, false);
  builder.SetResourceQuota(
      grpc::ResourceQuota("vakt-collector")
          .Resize(kTransportBytes + options.ingest.max_agents * kTransportBytesOfAgent)
          .SetMaxThreads(kMaxServerThreads));
  builder.SetSyncServerOption(grpc::ServerBuilder::NUM_CQS, 1);
  builder.SetSyncServerOption(grpc::ServerBuilder::MIN_POLLERS, 1);
  builder.SetSyncServerOption(grpc::ServerBuilder::MAX_POLLERS, 2);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Collector>> Collector::Start(const CollectorOptions& options) {
  std::unique_ptr<Collector> collector(new Collector());
  collector->started_boot_ns_ = RealClock().BootNs();
  // Before the store, whose check may take minutes.
  const bool takes_tokens = !options.token_file.empty();
  VAKT_ASSIGN_OR_RETURN(const auto credentials, ServerTls(options.tls, !takes_tokens));
  std::unique_ptr<TokenFile> tokens;
  if (takes_tokens) {
    VAKT_ASSIGN_OR_RETURN(tokens, TokenFile::Open(options.token_file));
  }
  StoreOptions stored = options.store;
  stored.completion = options.workloads.url.empty() ? nullptr : &collector->workloads_;
  VAKT_ASSIGN_OR_RETURN(collector->store_, Store::Open(stored));
  Store* const store = collector->store_.get();
  if (!options.workloads.url.empty()) {
    OwnerWatchOptions workloads = options.workloads;
    workloads.save_path = StrCat(options.store.directory, "/workloads");
    collector->owner_watch_ = OwnerWatch::Start(std::move(workloads), &collector->workloads_);
  }
  VAKT_ASSIGN_OR_RETURN(
      collector->sinks_,
      SinkSet::Start(options.sinks, store, StrCat(options.store.directory, "/sinks")));
  VAKT_ASSIGN_OR_RETURN(collector->fleet_watch_, FleetWatch::Start(store, options.fleet));
  collector->ingest_ =
      std::make_unique<IngestService>(store, options.ingest, collector->fleet_watch_.get());
  collector->query_ = std::make_unique<QueryHandler>(store);
  collector->subscriptions_ = std::make_unique<SubscriptionHub>(store, options.subscribe);
  const IngestService* const ingest = collector->ingest_.get();
  collector->fleet_ = std::make_unique<FleetHandler>(
      store, collector->fleet_watch_.get(),
      [ingest](std::string_view cluster, std::string_view node) {
        return ingest->IsConnected(cluster, node);
      },
      [ingest](std::string_view cluster, std::string_view node) {
        return ingest->HasSession(cluster, node);
      });
  collector->node_watches_ = std::make_unique<NodeWatchHub>(
      [fleet = collector->fleet_.get()](v1::ListNodesResponse* nodes) {
        return fleet->ListAllNodes(nodes);
      },
      options.node_watch);
  collector->front_ = std::make_unique<Front>(store, std::move(tokens));
  Front* const front = collector->front_.get();
  collector->consumers_ = std::make_unique<ConsumerHandler>(store, collector->subscriptions_.get());
  collector->alerts_service_ = std::make_unique<AlertsService>(
      front, collector->query_.get(), collector->consumers_.get(), collector->subscriptions_.get());
  collector->flows_service_ = std::make_unique<FlowsService>(front, collector->query_.get());
  collector->fleet_service_ = std::make_unique<FleetService>(front, collector->fleet_.get(),
                                                             collector->node_watches_.get());
  collector->admin_service_ = std::make_unique<AdminService>(front, store);
  VAKT_RETURN_IF_ERROR(collector->StartServer(options, credentials));
  if (options.metrics_listen.empty()) return collector;
  VAKT_ASSIGN_OR_RETURN(
      collector->metrics_server_,
      MetricsServer::Start(options.metrics_listen,
                           {.metrics = [self = collector.get()] { return self->MetricsText(); },
                            .alive = [] { return std::string(); },  // it answers
                            .ready = [self = collector.get()] { return self->NotReady(); }}));
  return collector;
}

absl::Status Collector::StartServer(const CollectorOptions& options,
                                    const std::shared_ptr<grpc::ServerCredentials>& credentials) {
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::ServerBuilder builder;
  VAKT_ASSIGN_OR_RETURN(door_, Door::Open(options.listen, options.door));
  std::shared_ptr<grpc::experimental::ExternalConnectionAcceptor> acceptor =
      builder.experimental().AddExternalConnectionAcceptor(
          grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD, credentials);
  std::vector<std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>> watches;
  watches.push_back(std::make_unique<CallWatch>(door_.get()));
  builder.experimental().SetInterceptorCreators(std::move(watches));
  builder.RegisterService(ingest_.get());
  builder.RegisterService(alerts_service_.get());
  builder.RegisterService(flows_service_.get());
  builder.RegisterService(fleet_service_.get());
  builder.RegisterService(admin_service_.get());
  Limit(options, builder);
  server_ = builder.BuildAndStart();
  if (server_ == nullptr) return absl::InternalError("gRPC does not start");
  serving_ = true;
  ReportHealth();
  address_ = StrCat(std::string_view(options.listen).substr(0, options.listen.rfind(':')), ":",
                    door_->port());
  door_->Start([acceptor](UniqueFd socket) {
    grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters connection;
    connection.fd = socket.release();
    acceptor->HandleNewConnection(&connection);
  });
  return absl::OkStatus();
}

void Collector::Stop() {
  if (server_ == nullptr) return;
  serving_ = false;
  door_->Stop();
  store_->SetFullListener(nullptr);
  subscriptions_->Drain();
  node_watches_->Drain();
  ingest_->Drain();
  server_->Shutdown(std::chrono::system_clock::now() + kStopGrace);
  server_->Wait();
  server_.reset();
}

Collector::~Collector() { Stop(); }

}  // namespace vakt
