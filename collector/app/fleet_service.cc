// SPDX-License-Identifier: Apache-2.0
#include "collector/app/fleet_service.h"

#include "collector/access/gate.h"

namespace vakt {
namespace {

// Says why, and ends. Owns itself until gRPC is done with it.
class RefusedWatch final : public grpc::ServerWriteReactor<v1::WatchNodesResponse> {
 public:
  explicit RefusedWatch(const absl::Status& status) { Finish(ToGrpcStatus(status)); }
  void OnDone() override { delete this; }
};

}  // namespace

grpc::Status FleetService::ListNodes(grpc::ServerContext* call, const v1::ListNodesRequest* request,
                                     v1::ListNodesResponse* response) {
  return front_.Serve("Fleet/ListNodes", *call, *request, [&](const Caller&, uint64_t*) {
    return fleet_.ListNodes(*request, response);
  });
}

grpc::ServerWriteReactor<v1::WatchNodesResponse>* FleetService::WatchNodes(
    grpc::CallbackServerContext* call, const v1::WatchNodesRequest* request) {
  const absl::StatusOr<Caller> caller = front_.Admit("Fleet/WatchNodes", *call, *request);
  if (!caller.ok()) return new RefusedWatch(caller.status());
  const absl::StatusOr<NodeWatch*> watch = watches_.Open();
  if (!watch.ok()) return new RefusedWatch(watch.status());
  return *watch;
}

grpc::Status FleetService::ForgetNode(grpc::ServerContext* call,
                                      const v1::ForgetNodeRequest* request,
                                      v1::ForgetNodeResponse* /*response*/) {
  return front_.Serve("Fleet/ForgetNode", *call, *request,
                      [&](const Caller&, uint64_t*) { return fleet_.ForgetNode(*request); });
}

}  // namespace vakt
