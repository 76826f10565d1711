// SPDX-License-Identifier: Apache-2.0
#include "agent/admin/health_server.h"

#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/resource_quota.h>
#include <pthread.h>

#include <chrono>
#include <thread>
#include <utility>

#include "common/base/log.h"
#include "common/base/strings.h"

namespace vakt {
namespace {

constexpr gpr_timespec kInterval = {.tv_sec = 1, .tv_nsec = 0, .clock_type = GPR_TIMESPAN};
constexpr size_t kMemoryBytes = 4 << 20;  // what peers can make gRPC hold
constexpr int kMaxStreams = 16;           // of one connection
constexpr int kMaxRequestBytes = 4 << 10;
constexpr int kIdleMs = 300'000;

class Impl final : public HealthServer {
 public:
  Impl(HealthChecks checks, std::unique_ptr<grpc::ServerCompletionQueue> queue,
       std::unique_ptr<grpc::Server> server, int port)
      : checks_(std::move(checks)),
        queue_(std::move(queue)),
        server_(std::move(server)),
        port_(port) {
    Tell();
    thread_ = std::thread([this] { Run(); });
  }
  ~Impl() override {
    server_->Shutdown(std::chrono::system_clock::now());  // cuts off those who watch
    queue_->Shutdown();
    thread_.join();
  }

  int port() const override { return port_; }

 private:
  // gRPC answers the calls itself, on the thread that waits for a queue: this one.
  void Run() {
    pthread_setname_np(pthread_self(), "vakt-health");
    void* tag = nullptr;
    bool ok = false;
    for (;;) {
      const gpr_timespec next = gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), kInterval);
      if (queue_->AsyncNext(&tag, &ok, next) == grpc::CompletionQueue::SHUTDOWN) return;
      Tell();
    }
  }

  void Tell() {
    const std::string dead = checks_.alive();
    const std::string unready = checks_.ready();
    Note("liveness", dead, &last_dead_);
    Note("readiness", unready, &last_unready_);
    grpc::HealthCheckServiceInterface* health = server_->GetHealthCheckService();
    health->SetServingStatus("liveness", dead.empty());
    health->SetServingStatus("readiness", unready.empty());
    health->SetServingStatus("", dead.empty() && unready.empty());
  }

  // The protocol has no room for a reason: it goes to the log.
  static void Note(const char* service, const std::string& reason, std::string* last) {
    if (reason == *last) return;
    *last = reason;
    if (reason.empty()) {
      LogInfo(StrCat("health: ", service, " is given again"));
    } else {
      LogWarning(StrCat("health: no ", service, ": ", reason));
    }
  }

  const HealthChecks checks_;
  const std::unique_ptr<grpc::ServerCompletionQueue> queue_;
  const std::unique_ptr<grpc::Server> server_;
  const int port_;
  std::string last_dead_;  // the thread's
  std::string last_unready_;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace

absl::StatusOr<std::unique_ptr<HealthServer>> HealthServer::Start(const std::string& address,
                                                                  HealthChecks checks) {
  grpc::ResourceQuota quota("health");
  quota.SetMaxThreads(3);
  quota.Resize(kMemoryBytes);
  grpc::ServerBuilder builder;
  builder.SetResourceQuota(quota);
  builder.SetMaxReceiveMessageSize(kMaxRequestBytes);
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kMaxStreams);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS, kIdleMs);
  int port = 0;
  builder.AddListeningPort(address, grpc::InsecureServerCredentials(), &port);
  std::unique_ptr<grpc::ServerCompletionQueue> queue = builder.AddCompletionQueue();
  grpc::EnableDefaultHealthCheckService(true);
  std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  grpc::EnableDefaultHealthCheckService(false);  // it holds for all servers built from here on
  if (server == nullptr || port == 0) {
    return absl::UnavailableError(
        StrCat("cannot listen on ", address,
               ": the port is in use, or the address is not one of this host's: choose another "
               "with --health-listen"));
  }
  return std::make_unique<Impl>(std::move(checks), std::move(queue), std::move(server), port);
}

}  // namespace vakt
