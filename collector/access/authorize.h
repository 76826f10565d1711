// SPDX-License-Identifier: Apache-2.0
// The gate of every RPC: the caller's identity from its client certificate, or a refusal.
//
// A certificate must carry exactly one URI (the SPIFFE rule), so that there is nothing to choose.
// Threads: thread-safe.
#ifndef VAKT_COLLECTOR_ACCESS_AUTHORIZE_H_
#define VAKT_COLLECTOR_ACCESS_AUTHORIZE_H_

#include <grpcpp/security/auth_context.h>
#include <grpcpp/support/status.h>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "collector/access/identity.h"

namespace vakt {

// UNAUTHENTICATED without a certificate, PERMISSION_DENIED with one of another kind.
absl::StatusOr<AgentIdentity> AuthorizeAgent(const grpc::AuthContext& context);
absl::StatusOr<UserIdentity> AuthorizeUser(const grpc::AuthContext& context);

grpc::Status ToGrpcStatus(const absl::Status& status);

}  // namespace vakt

#endif  // VAKT_COLLECTOR_ACCESS_AUTHORIZE_H_
