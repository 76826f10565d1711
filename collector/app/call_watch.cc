// SPDX-License-Identifier: Apache-2.0
#include "collector/app/call_watch.h"

#include <grpc/grpc_security_constants.h>
#include <grpcpp/server_context.h>

#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "collector/access/identity.h"
#include "vakt/v1/ingest.pb.h"

namespace vakt {
namespace {

constexpr std::string_view kIngestMethod = "/vakt.v1.Ingest/Connect";

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

// What asks for something that it may not, or that makes no sense. Not: that there is no such
// record, or that we cannot now.
bool IsRefusal(grpc::StatusCode code) {
  return code == grpc::StatusCode::PERMISSION_DENIED || code == grpc::StatusCode::UNAUTHENTICATED ||
         code == grpc::StatusCode::INVALID_ARGUMENT;
}

class OneCall final : public grpc::experimental::Interceptor {
 public:
  OneCall(Door* door, grpc::experimental::ServerRpcInfo* call)
      : door_(*door), call_(*call), is_ingest_(std::string_view(call->method()) == kIngestMethod) {}

  void Intercept(grpc::experimental::InterceptorBatchMethods* methods) override {
    using Point = grpc::experimental::InterceptionHookPoints;
    if (methods->QueryInterceptionHookPoint(Point::POST_RECV_INITIAL_METADATA)) {
      const grpc::ServerContextBase& context = *call_.server_context();
      tally_ = door_.OnCall(context.peer(), NameOf(*context.auth_context()));
    }
    if (methods->QueryInterceptionHookPoint(Point::POST_RECV_MESSAGE)) {
      CountMessage(methods->GetRecvMessage());
    }
    if (methods->QueryInterceptionHookPoint(Point::PRE_SEND_STATUS) &&
        IsRefusal(methods->GetSendStatus().error_code())) {
      door_.OnRefused(call_.server_context()->peer());
    }
    methods->Proceed();
  }

 private:
  // `message`: null at the stream's end, or when it could not be decoded.
  void CountMessage(const void* message) {
    if (tally_ == nullptr || message == nullptr) return;
    if (is_ingest_) {
      tally_->AddMessage(static_cast<const v1::AgentMessage*>(message)->ByteSizeLong());
    } else {
      tally_->AddSmallMessage();
    }
  }

  Door& door_;
  grpc::experimental::ServerRpcInfo& call_;
  const bool is_ingest_;          // has one method
  std::shared_ptr<Tally> tally_;  // set before any message is read
};

}  // namespace

grpc::experimental::Interceptor* CallWatch::CreateServerInterceptor(
    grpc::experimental::ServerRpcInfo* call) {
  return new OneCall(&door_, call);
}

}  // namespace vakt
