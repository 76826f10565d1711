// SPDX-License-Identifier: Apache-2.0
#include "collector/app/call_watch.h"

#include <grpc/grpc_security_constants.h>
#include <grpcpp/server_context.h>

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "collector/access/identity.h"

namespace vakt {
namespace {

// By its certificate, whatever that allows. One that is no user's is held to what an agent may do.
CallerName NameOf(const grpc::AuthContext& context) {
  const std::vector<grpc::string_ref> uris =
      context.FindPropertyValues(GRPC_PEER_URI_PROPERTY_NAME);
  if (!context.IsPeerAuthenticated() || uris.empty()) return {};
  const std::string_view uri(uris[0].data(), uris[0].size());
  const absl::StatusOr<Identity> identity = ParseIdentity(uri);
  const bool is_user = identity.ok() && std::holds_alternative<UserIdentity>(*identity);
  return {.identity = std::string(uri), .is_agent = !is_user};
}

class OneCall final : public grpc::experimental::Interceptor {
 public:
  OneCall(Door* door, grpc::experimental::ServerRpcInfo* call) : door_(*door), call_(*call) {}

  void Intercept(grpc::experimental::InterceptorBatchMethods* methods) override {
    if (methods->QueryInterceptionHookPoint(
            grpc::experimental::InterceptionHookPoints::POST_RECV_INITIAL_METADATA)) {
      const grpc::ServerContextBase& context = *call_.server_context();
      door_.OnCall(context.peer(), NameOf(*context.auth_context()));
    }
    methods->Proceed();
  }

 private:
  Door& door_;
  grpc::experimental::ServerRpcInfo& call_;
};

}  // namespace

grpc::experimental::Interceptor* CallWatch::CreateServerInterceptor(
    grpc::experimental::ServerRpcInfo* call) {
  return new OneCall(&door_, call);
}

}  // namespace vakt
