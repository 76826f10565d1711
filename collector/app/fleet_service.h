// SPDX-License-Identifier: Apache-2.0
// The Fleet service: lets users in and passes them to fleet/.
// Threads: thread-safe; a call occupies one of the server's few threads, a watch none.
#ifndef VAKT_COLLECTOR_APP_FLEET_SERVICE_H_
#define VAKT_COLLECTOR_APP_FLEET_SERVICE_H_

#include "collector/app/front.h"
#include "collector/fleet/fleet_handler.h"
#include "collector/fleet/node_watch.h"
#include "vakt/v1/fleet.grpc.pb.h"

namespace vakt {

class FleetService final : public v1::Fleet::WithCallbackMethod_WatchNodes<v1::Fleet::Service> {
 public:
  // All must outlive it.
  FleetService(Front* front, FleetHandler* fleet, NodeWatchHub* watches)
      : front_(*front), fleet_(*fleet), watches_(*watches) {}

  grpc::Status ListNodes(grpc::ServerContext* call, const v1::ListNodesRequest* request,
                         v1::ListNodesResponse* response) override;
  grpc::ServerWriteReactor<v1::WatchNodesResponse>* WatchNodes(
      grpc::CallbackServerContext* call, const v1::WatchNodesRequest* request) override;
  grpc::Status ForgetNode(grpc::ServerContext* call, const v1::ForgetNodeRequest* request,
                          v1::ForgetNodeResponse* response) override;

 private:
  Front& front_;
  FleetHandler& fleet_;
  NodeWatchHub& watches_;
};

}  // namespace vakt

#endif  // VAKT_COLLECTOR_APP_FLEET_SERVICE_H_
