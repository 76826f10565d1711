// SPDX-License-Identifier: Apache-2.0
// grpc.health.v1 on an address of its own, without TLS: what Kubernetes asks a pod. It tells three
// bits and nothing of alerts. Services: "liveness" (restart me if not), "readiness" (I detect), and
// "" (both).
//
// Ownership: owns the server. Threads: one of its own, which answers, and asks `alive` and `ready`
// once a second.
#ifndef VAKT_AGENT_ADMIN_HEALTH_SERVER_H_
#define VAKT_AGENT_ADMIN_HEALTH_SERVER_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace vakt {

struct HealthChecks {
  using Check = std::function<std::string()>;  // why it is not so; empty: it is

  Check alive;
  Check ready;
};

class HealthServer {
 public:
  // `address`: host:port; port 0 takes any free one.
  static absl::StatusOr<std::unique_ptr<HealthServer>> Start(const std::string& address,
                                                             HealthChecks checks);
  virtual ~HealthServer() = default;

  virtual int port() const = 0;
};

}  // namespace vakt

#endif  // VAKT_AGENT_ADMIN_HEALTH_SERVER_H_
