// SPDX-License-Identifier: Apache-2.0
#include "collector/app/alerts_service.h"

#include "collector/access/gate.h"

namespace vakt {
namespace {

// Says why, and ends. Owns itself until gRPC is done with it.
class RefusedSubscription final : public grpc::ServerWriteReactor<v1::SubscribeResponse> {
 public:
  explicit RefusedSubscription(const absl::Status& status) { Finish(ToGrpcStatus(status)); }
  void OnDone() override { delete this; }
};

}  // namespace

grpc::ServerWriteReactor<v1::SubscribeResponse>* AlertsService::Subscribe(
    grpc::CallbackServerContext* call, const v1::SubscribeRequest* request) {
  const absl::StatusOr<Caller> caller = front_.Admit("Alerts/Subscribe", *call, *request);
  if (!caller.ok()) return new RefusedSubscription(caller.status());
  const absl::StatusOr<Subscription*> subscription = subscriptions_.Open(*request);
  if (!subscription.ok()) return new RefusedSubscription(subscription.status());
  return *subscription;
}

grpc::Status AlertsService::Query(grpc::ServerContext* call, const v1::QueryRequest* request,
                                  v1::QueryResponse* response) {
  return front_.Serve("Alerts/Query", *call, *request, [&](const Caller&, uint64_t* records) {
    const auto cancelled = [call] { return call->IsCancelled(); };
    const absl::Status status = query_.Query(*request, cancelled, response);
    *records = static_cast<uint64_t>(response->records_size());
    return status;
  });
}

grpc::Status AlertsService::GetAlert(grpc::ServerContext* call, const v1::GetAlertRequest* request,
                                     v1::StoredRecord* response) {
  return front_.Serve("Alerts/GetAlert", *call, *request, [&](const Caller&, uint64_t* records) {
    const absl::Status status = query_.GetAlert(*request, response);
    *records = status.ok() ? 1 : 0;
    return status;
  });
}

}  // namespace vakt
