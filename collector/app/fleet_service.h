// SPDX-License-Identifier: Apache-2.0
// The Fleet service: lets users in and passes them to fleet/.
// Threads: thread-safe; a call occupies one of the server's few threads.
#ifndef VAKT_COLLECTOR_APP_FLEET_SERVICE_H_
#define VAKT_COLLECTOR_APP_FLEET_SERVICE_H_

#include "collector/app/front.h"
#include "collector/fleet/fleet_handler.h"
#include "vakt/v1/fleet.grpc.pb.h"

namespace vakt {

class FleetService final : public v1::Fleet::Service {
 public:
  // Both must outlive it.
  FleetService(Front* front, FleetHandler* fleet) : front_(*front), fleet_(*fleet) {}

  grpc::Status ListNodes(grpc::ServerContext* call, const v1::ListNodesRequest* request,
                         v1::ListNodesResponse* response) override;

 private:
  Front& front_;
  FleetHandler& fleet_;
};

}  // namespace vakt

#endif  // VAKT_COLLECTOR_APP_FLEET_SERVICE_H_
