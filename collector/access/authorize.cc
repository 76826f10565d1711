// SPDX-License-Identifier: Apache-2.0
#include "collector/access/authorize.h"

#include <grpc/grpc_security_constants.h>

#include <string>
#include <utility>
#include <vector>

#include "common/base/status.h"
#include "common/base/strings.h"

namespace vakt {
namespace {

absl::StatusOr<Identity> Identify(const grpc::AuthContext& context) {
  if (!context.IsPeerAuthenticated()) {
    return absl::UnauthenticatedError("a client certificate is needed");
  }
  const std::vector<grpc::string_ref> uris =
      context.FindPropertyValues(GRPC_PEER_URI_PROPERTY_NAME);
  if (uris.size() != 1) {
    return absl::PermissionDeniedError(StrCat("the client certificate has ", uris.size(),
                                              " URIs in its subject alternative name, not one"));
  }
  return ParseIdentity({uris[0].data(), uris[0].size()});
}

template <typename Wanted>
absl::StatusOr<Wanted> Authorize(const grpc::AuthContext& context, std::string_view wanted) {
  VAKT_ASSIGN_OR_RETURN(Identity identity, Identify(context));
  if (Wanted* found = std::get_if<Wanted>(&identity)) return std::move(*found);
  return absl::PermissionDeniedError(StrCat("only ", wanted, " may call this"));
}

}  // namespace

absl::StatusOr<AgentIdentity> AuthorizeAgent(const grpc::AuthContext& context) {
  return Authorize<AgentIdentity>(context, "agents (spiffe://.../node/<node>/agent)");
}

absl::StatusOr<UserIdentity> AuthorizeUser(const grpc::AuthContext& context) {
  return Authorize<UserIdentity>(context, "users (spiffe://.../user/<name>/role/<role>)");
}

grpc::Status ToGrpcStatus(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  // Both libraries number the codes alike.
  return {static_cast<grpc::StatusCode>(status.code()), std::string(Message(status))};
}

}  // namespace vakt
