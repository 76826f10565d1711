// SPDX-License-Identifier: Apache-2.0
#include "collector/app/flows_service.h"

namespace vakt {

grpc::Status FlowsService::ListFlows(grpc::ServerContext* call, const v1::ListFlowsRequest* request,
                                     v1::ListFlowsResponse* response) {
  return front_.Serve("Flows/ListFlows", *call, *request, [&](const Caller&, uint64_t* records) {
    const auto cancelled = [call] { return call->IsCancelled(); };
    const absl::Status status = query_.ListFlows(*request, cancelled, response);
    *records = static_cast<uint64_t>(response->records_size());
    return status;
  });
}

}  // namespace vakt
