// SPDX-License-Identifier: Apache-2.0
// The gRPC side of the Flows service. Threads: thread-safe.
#ifndef VAKT_COLLECTOR_APP_FLOWS_SERVICE_H_
#define VAKT_COLLECTOR_APP_FLOWS_SERVICE_H_

#include "collector/app/front.h"
#include "collector/query/query_handler.h"
#include "vakt/v1/flows_query.grpc.pb.h"

namespace vakt {

class FlowsService final : public v1::Flows::Service {
 public:
  // Both must outlive it.
  FlowsService(Front* front, QueryHandler* query) : front_(*front), query_(*query) {}

  grpc::Status ListFlows(grpc::ServerContext* call, const v1::ListFlowsRequest* request,
                         v1::ListFlowsResponse* response) override;

 private:
  Front& front_;
  QueryHandler& query_;
};

}  // namespace vakt

#endif  // VAKT_COLLECTOR_APP_FLOWS_SERVICE_H_
