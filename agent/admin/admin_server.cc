// SPDX-License-Identifier: Apache-2.0
#include "agent/admin/admin_server.h"

#include <grpcpp/grpcpp.h>
#include <grpcpp/resource_quota.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <utility>

#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/base/unique_fd.h"
#include "vakt/v1/control.grpc.pb.h"

namespace vakt {
namespace {

constexpr uint32_t kMaxMeasureMs = 60'000;

grpc::Status ToGrpc(const absl::Status& status) {
  return grpc::Status(static_cast<grpc::StatusCode>(status.raw_code()),
                      std::string(Message(status)));
}

class Service final : public v1::AgentControl::Service {
 public:
  explicit Service(AdminCalls calls) : calls_(std::move(calls)) {}

  grpc::Status GetStatus(grpc::ServerContext*, const v1::GetStatusRequest*,
                         v1::AgentStatus* out) override {
    *out = calls_.status();
    return grpc::Status::OK;
  }
  grpc::Status GetStats(grpc::ServerContext*, const v1::GetStatsRequest*,
                        v1::AgentStats* out) override {
    *out = calls_.stats();
    return grpc::Status::OK;
  }
  grpc::Status Reload(grpc::ServerContext*, const v1::ReloadRequest*,
                      v1::ReloadReply* out) override {
    const absl::Status status = calls_.reload();
    if (!status.ok()) return ToGrpc(status);
    const v1::AgentStatus agent = calls_.status();
    out->set_rule_set_hash(agent.rule_set_hash());
    out->set_rules(agent.rules());
    return grpc::Status::OK;
  }
  grpc::Status GetPrograms(grpc::ServerContext*, const v1::GetProgramsRequest* request,
                           v1::Programs* out) override {
    if (request->measure_ms() > kMaxMeasureMs) {
      return {grpc::StatusCode::INVALID_ARGUMENT,
              StrCat("programs are measured for at most ", kMaxMeasureMs / 1000, " s")};
    }
    absl::StatusOr<v1::Programs> programs =
        calls_.programs(absl::Milliseconds(request->measure_ms()));
    if (!programs.ok()) return ToGrpc(programs.status());
    *out = *std::move(programs);
    return grpc::Status::OK;
  }

 private:
  const AdminCalls calls_;
};

class Impl final : public AdminServer {
 public:
  Impl(std::string path, std::unique_ptr<Service> service, std::unique_ptr<grpc::Server> server)
      : path_(std::move(path)), service_(std::move(service)), server_(std::move(server)) {}
  ~Impl() override {
    server_->Shutdown(std::chrono::system_clock::now() + std::chrono::milliseconds(200));
    unlink(path_.c_str());
  }

 private:
  const std::string path_;
  const std::unique_ptr<Service> service_;
  const std::unique_ptr<grpc::Server> server_;
};

bool SomebodyListens(const sockaddr_un& address) {
  UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return fd && connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
}

}  // namespace

absl::StatusOr<std::unique_ptr<AdminServer>> AdminServer::Start(const std::string& socket_path,
                                                                AdminCalls calls) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (socket_path.size() >= sizeof(address.sun_path)) {
    return absl::InvalidArgumentError(StrCat("the admin socket's path is longer than 107 bytes: ",
                                             socket_path, "; choose a shorter --state-dir"));
  }
  std::memcpy(address.sun_path, socket_path.data(), socket_path.size());
  if (SomebodyListens(address)) {
    return absl::AlreadyExistsError(
        StrCat("another agent answers on ", socket_path, "; give this one its own --state-dir"));
  }
  unlink(socket_path.c_str());
  auto service = std::make_unique<Service>(std::move(calls));
  grpc::ResourceQuota quota("admin");
  quota.SetMaxThreads(3);
  quota.Resize(4 << 20);
  grpc::ServerBuilder builder;
  builder.SetResourceQuota(quota);
  builder.SetSyncServerOption(grpc::ServerBuilder::SyncServerOption::NUM_CQS, 1);
  builder.SetSyncServerOption(grpc::ServerBuilder::SyncServerOption::MIN_POLLERS, 1);
  builder.SetSyncServerOption(grpc::ServerBuilder::SyncServerOption::MAX_POLLERS, 1);
  builder.AddListeningPort("unix:" + socket_path, grpc::InsecureServerCredentials());
  builder.RegisterService(service.get());
  const mode_t old_mask = umask(0177);
  std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  umask(old_mask);
  if (server == nullptr) {
    return absl::UnavailableError(StrCat("cannot listen on the admin socket ", socket_path));
  }
  return std::make_unique<Impl>(socket_path, std::move(service), std::move(server));
}

}  // namespace vakt
