// SPDX-License-Identifier: Apache-2.0
#include "collector/app/fleet_service.h"

#include "collector/access/authorize.h"

namespace vakt {

grpc::Status FleetService::ListNodes(grpc::ServerContext* call,
                                     const v1::ListNodesRequest* /*request*/,
                                     v1::ListNodesResponse* response) {
  const absl::StatusOr<UserIdentity> user = AuthorizeUser(*call->auth_context());
  if (!user.ok()) return ToGrpcStatus(user.status());
  return ToGrpcStatus(fleet_.ListNodes(response));
}

}  // namespace vakt
