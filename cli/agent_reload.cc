// SPDX-License-Identifier: Apache-2.0
// vaktctl agent reload
#include <grpcpp/client_context.h>

#include "absl/time/clock.h"
#include "cli/connection.h"
#include "cli/json.h"
#include "cli/verbs.h"
#include "common/base/status.h"
#include "common/base/strings.h"
#include "vakt/v1/control.grpc.pb.h"

namespace vakt {

VerbResult AgentReload(const Invocation& invocation) {
  VAKT_ASSIGN_OR_RETURN(const Connection agent, Connection::ToAgent(invocation));
  VAKT_ASSIGN_OR_RETURN(const auto channel, agent.Dial());
  const auto stub = v1::AgentControl::NewStub(channel);
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + kCallTimeout));
  v1::ReloadReply answer;
  const grpc::Status status = stub->Reload(&context, {}, &answer);
  if (!status.ok()) return agent.Failure(status);
  if (invocation.json()) {
    invocation.console.Line(ProtoJson(answer));
  } else {
    invocation.console.Line(
        StrCat(answer.rules(), " rules are active, rule set ", answer.rule_set_hash()));
  }
  return kSuccess;
}

}  // namespace vakt
