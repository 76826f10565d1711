// SPDX-License-Identifier: Apache-2.0
// Tells the door of each call, whatever its service: that a connection has made one, who makes how
// many, how large its messages are, and that it was refused. Threads: thread-safe.
#ifndef VAKT_COLLECTOR_APP_CALL_WATCH_H_
#define VAKT_COLLECTOR_APP_CALL_WATCH_H_

#include <grpcpp/support/server_interceptor.h>

#include "collector/door/door.h"

namespace vakt {

class CallWatch final : public grpc::experimental::ServerInterceptorFactoryInterface {
 public:
  // `door` must outlive it.
  explicit CallWatch(Door* door) : door_(*door) {}
  grpc::experimental::Interceptor* CreateServerInterceptor(
      grpc::experimental::ServerRpcInfo* call) override;

 private:
  Door& door_;
};

}  // namespace vakt

#endif  // VAKT_COLLECTOR_APP_CALL_WATCH_H_
