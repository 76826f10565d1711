// SPDX-License-Identifier: Apache-2.0
// The gate of every RPC: who the caller is, and whether the table (rpc_table.h) lets it in.
//
// A caller is known by its client certificate, or by a token in the metadata
// `authorization: Bearer <token>`, which goes first. A certificate must carry exactly one URI (the
// SPIFFE rule), so that there is nothing to choose. Agents have certificates only.
//
// Threads: thread-safe.
#ifndef VAKT_COLLECTOR_ACCESS_GATE_H_
#define VAKT_COLLECTOR_ACCESS_GATE_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/status.h>

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "collector/access/identity.h"
#include "collector/access/rpc_table.h"
#include "collector/access/token_file.h"

namespace vakt {

struct Caller {
  std::string name;
  Role role = Role::kViewer;
  std::string via;   // "certificate" or "token"
  std::string peer;  // address
};

class Gate {
 public:
  // `tokens` may be null: certificates only.
  explicit Gate(std::unique_ptr<TokenFile> tokens) : tokens_(std::move(tokens)) {}

  // UNAUTHENTICATED: nobody we know. PERMISSION_DENIED: not an agent.
  static absl::StatusOr<AgentIdentity> AdmitAgent(const grpc::ServerContextBase& call);
  // Who the user is, whatever it may do.
  absl::StatusOr<Caller> Identify(const grpc::ServerContextBase& call) const;
  // PERMISSION_DENIED when the role is not enough.
  static absl::Status Check(RpcId rpc, const Caller& caller);

 private:
  const std::unique_ptr<TokenFile> tokens_;
};

grpc::Status ToGrpcStatus(const absl::Status& status);

}  // namespace vakt

#endif  // VAKT_COLLECTOR_ACCESS_GATE_H_
