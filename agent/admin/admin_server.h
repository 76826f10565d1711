// SPDX-License-Identifier: Apache-2.0
// The agent's own socket for `vaktctl agent`: gRPC on <state dir>/admin.sock, mode 0600.
//
// Ownership: owns the server and the socket file. Threads: the calls are answered on gRPC's
// threads.
#ifndef VAKT_AGENT_ADMIN_ADMIN_SERVER_H_
#define VAKT_AGENT_ADMIN_ADMIN_SERVER_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "vakt/v1/control.pb.h"

namespace vakt {

// What the calls are answered with; on gRPC's threads.
struct AdminCalls {
  std::function<v1::AgentStatus()> status;
  std::function<v1::AgentStats()> stats;
  std::function<absl::Status()> reload;
  std::function<absl::StatusOr<v1::Programs>(absl::Duration measure)> programs;
};

class AdminServer {
 public:
  // Replaces a socket that a dead agent left; fails when a live one answers on it.
  static absl::StatusOr<std::unique_ptr<AdminServer>> Start(const std::string& socket_path,
                                                            AdminCalls calls);
  virtual ~AdminServer() = default;
};

}  // namespace vakt

#endif  // VAKT_AGENT_ADMIN_ADMIN_SERVER_H_
