// SPDX-License-Identifier: Apache-2.0
// vaktctl nodes forget
#include <grpcpp/client_context.h>

#include "absl/time/clock.h"
#include "cli/connection.h"
#include "cli/node_name.h"
#include "cli/verbs.h"
#include "common/base/status.h"
#include "vakt/v1/fleet.grpc.pb.h"

namespace vakt {

VerbResult NodesForget(const Invocation& invocation) {
  VAKT_ASSIGN_OR_RETURN(const Connection collector, Connection::ToCollector(invocation));
  VAKT_ASSIGN_OR_RETURN(const auto channel, collector.Dial());
  VAKT_ASSIGN_OR_RETURN(const NodeName name, NodeNameOf(invocation, collector, channel));
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + kCallTimeout));
  v1::ForgetNodeRequest request;
  request.set_cluster(name.cluster);
  request.set_node(name.node);
  v1::ForgetNodeResponse response;
  const grpc::Status status = v1::Fleet::NewStub(channel)->ForgetNode(&context, request, &response);
  if (!status.ok()) return collector.Failure(status);
  return kSuccess;
}

}  // namespace vakt
