// SPDX-License-Identifier: Apache-2.0
#include "collector/access/gate.h"

#include <grpc/grpc_security_constants.h>

#include <optional>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "common/base/status.h"
#include "common/base/strings.h"

namespace vakt {
namespace {

constexpr std::string_view kBearer = "Bearer ";

absl::StatusOr<Identity> IdentityOf(const grpc::AuthContext& context) {
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

// None: the caller shows no token.
std::optional<std::string_view> TokenOf(const grpc::ServerContextBase& call) {
  const auto entry = call.client_metadata().find("authorization");
  if (entry == call.client_metadata().end()) return std::nullopt;
  const std::string_view value(entry->second.data(), entry->second.size());
  if (!value.starts_with(kBearer)) return std::string_view();
  return value.substr(kBearer.size());
}

}  // namespace

absl::StatusOr<AgentIdentity> Gate::AdmitAgent(const grpc::ServerContextBase& call) {
  VAKT_ASSIGN_OR_RETURN(Identity identity, IdentityOf(*call.auth_context()));
  if (auto* agent = std::get_if<AgentIdentity>(&identity)) return std::move(*agent);
  return absl::PermissionDeniedError("only agents (spiffe://.../node/<node>/agent) may call this");
}

absl::StatusOr<Caller> Gate::Identify(const grpc::ServerContextBase& call) const {
  if (const std::optional<std::string_view> token = TokenOf(call); token.has_value()) {
    if (tokens_ == nullptr) {
      return absl::UnauthenticatedError("this collector takes no tokens: --token-file");
    }
    VAKT_ASSIGN_OR_RETURN(TokenRow row, tokens_->Find(*token, absl::Now()));
    return Caller{std::move(row.name), row.role, "token", call.peer()};
  }
  if (tokens_ != nullptr && !call.auth_context()->IsPeerAuthenticated()) {
    return absl::UnauthenticatedError("a client certificate or a token is needed");
  }
  VAKT_ASSIGN_OR_RETURN(Identity identity, IdentityOf(*call.auth_context()));
  if (auto* user = std::get_if<UserIdentity>(&identity)) {
    return Caller{std::move(user->name), user->role, "certificate", call.peer()};
  }
  return absl::PermissionDeniedError(
      "only users (spiffe://.../user/<name>/role/<role>) may call this");
}

absl::Status Gate::Check(RpcId rpc, const Caller& caller) {
  const Access has = AccessOf(caller.role);
  if (rpc.row().needs != Access::kAgent && has >= rpc.row().needs) return absl::OkStatus();
  return absl::PermissionDeniedError(StrCat(rpc.row().method, " needs the role ",
                                            AccessName(rpc.row().needs), "; ", caller.name, " is ",
                                            AccessName(has)));
}

std::string_view AccessName(Access access) {
  constexpr std::string_view kNames[] = {"agent", "viewer", "analyst", "admin"};
  return kNames[static_cast<size_t>(access)];
}

grpc::Status ToGrpcStatus(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  // Both libraries number the codes alike.
  return {static_cast<grpc::StatusCode>(status.code()), std::string(Message(status))};
}

}  // namespace vakt
