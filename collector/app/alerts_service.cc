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
  const absl::StatusOr<Subscription*> subscription = subscriptions_.Open(caller->name, *request);
  if (!subscription.ok()) return new RefusedSubscription(subscription.status());
  return *subscription;
}

grpc::Status AlertsService::UpdateAlert(grpc::ServerContext* call,
                                        const v1::UpdateAlertRequest* request,
                                        v1::StoredRecord* response) {
  return front_.Serve(
      "Alerts/UpdateAlert", *call, *request, [&](const Caller& caller, uint64_t* records) {
        const absl::Status status = query_.UpdateAlert(*request, caller.name, response);
        *records = status.ok() ? 1 : 0;
        return status;
      });
}

grpc::Status AlertsService::Acknowledge(grpc::ServerContext* call,
                                        const v1::AcknowledgeRequest* request,
                                        v1::AcknowledgeResponse* response) {
  return front_.Serve("Alerts/Acknowledge", *call, *request, [&](const Caller& caller, uint64_t*) {
    return consumers_.Acknowledge(caller.name, *request, response);
  });
}

grpc::Status AlertsService::ListConsumers(grpc::ServerContext* call,
                                          const v1::ListConsumersRequest* request,
                                          v1::ListConsumersResponse* response) {
  return front_.Serve("Alerts/ListConsumers", *call, *request,
                      [&](const Caller& caller, uint64_t*) {
                        const bool all = caller.role == Role::kAdmin;
                        return consumers_.List(all ? "" : caller.name, response);
                      });
}

grpc::Status AlertsService::DeleteConsumer(grpc::ServerContext* call,
                                           const v1::DeleteConsumerRequest* request,
                                           v1::DeleteConsumerResponse* /*response*/) {
  return front_.Serve(
      "Alerts/DeleteConsumer", *call, *request,
      [&](const Caller& caller, uint64_t*) -> absl::Status {
        const std::string& user = request->user().empty() ? caller.name : request->user();
        if (user != caller.name && caller.role != Role::kAdmin) {
          return absl::PermissionDeniedError("only admins may delete other users' consumers");
        }
        return consumers_.Delete({user, request->consumer()});
      });
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
