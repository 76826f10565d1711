// SPDX-License-Identifier: Apache-2.0
#include "collector/app/alerts_service.h"

#include "collector/access/authorize.h"
#include "common/base/log.h"
#include "common/base/strings.h"

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
  const absl::StatusOr<UserIdentity> user = AuthorizeUser(*call->auth_context());
  if (!user.ok()) return new RefusedSubscription(user.status());
  const absl::StatusOr<Subscription*> subscription = subscriptions_.Open(*request);
  if (!subscription.ok()) return new RefusedSubscription(subscription.status());
  LogInfo(StrCat("user ", user->name, " subscribes from ", call->peer()));
  return *subscription;
}

grpc::Status AlertsService::Query(grpc::ServerContext* call, const v1::QueryRequest* request,
                                  v1::QueryResponse* response) {
  const absl::StatusOr<UserIdentity> user = AuthorizeUser(*call->auth_context());
  if (!user.ok()) return ToGrpcStatus(user.status());
  LogDebug(StrCat("user ", user->name, " queries from ", call->peer()));
  const auto cancelled = [call] { return call->IsCancelled(); };
  return ToGrpcStatus(query_.Query(*request, cancelled, response));
}

grpc::Status AlertsService::GetAlert(grpc::ServerContext* call, const v1::GetAlertRequest* request,
                                     v1::StoredRecord* response) {
  const absl::StatusOr<UserIdentity> user = AuthorizeUser(*call->auth_context());
  if (!user.ok()) return ToGrpcStatus(user.status());
  LogDebug(StrCat("user ", user->name, " reads an alert from ", call->peer()));
  return ToGrpcStatus(query_.GetAlert(*request, response));
}

}  // namespace vakt
