// SPDX-License-Identifier: Apache-2.0
#include "collector/app/fleet_service.h"

namespace vakt {

grpc::Status FleetService::ListNodes(grpc::ServerContext* call, const v1::ListNodesRequest* request,
                                     v1::ListNodesResponse* response) {
  return front_.Serve("Fleet/ListNodes", *call, *request,
                      [&](const Caller&, uint64_t*) { return fleet_.ListNodes(response); });
}

}  // namespace vakt
