// SPDX-License-Identifier: Apache-2.0
#include "cli/node_name.h"

#include <grpcpp/client_context.h>

#include <vector>

#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "common/base/strings.h"
#include "common/base/text.h"
#include "vakt/v1/fleet.grpc.pb.h"

namespace vakt {

absl::StatusOr<NodeName> NodeNameOf(const Invocation& invocation, const Connection& collector,
                                    const std::shared_ptr<grpc::Channel>& channel) {
  NodeName name = {invocation.arguments.Text("--cluster"), invocation.arguments.operands()[0]};
  if (!name.cluster.empty()) return name;
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + kCallTimeout));
  v1::ListNodesResponse response;
  const grpc::Status status = v1::Fleet::NewStub(channel)->ListNodes(&context, {}, &response);
  if (!status.ok()) return collector.Failure(status);
  std::vector<std::string> clusters;
  for (const v1::Node& node : response.nodes()) {
    if (node.node() == name.node) clusters.push_back(EscapeUtf8(node.cluster()));
  }
  if (clusters.empty()) {
    return absl::NotFoundError(
        StrCat(collector.peer(), " knows no node \"", EscapeUtf8(name.node), "\""));
  }
  if (clusters.size() > 1) {
    return absl::InvalidArgumentError(
        StrCat("several clusters have a node \"", EscapeUtf8(name.node),
               "\": choose one with --cluster ", absl::StrJoin(clusters, " or ")));
  }
  name.cluster = clusters[0];
  return name;
}

}  // namespace vakt
