// SPDX-License-Identifier: Apache-2.0
#include "cli/node_name.h"

#include <vector>

#include "absl/strings/str_join.h"
#include "cli/node_list.h"
#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/base/text.h"

namespace vakt {

absl::StatusOr<NodeName> NodeNameOf(const Invocation& invocation, const Connection& collector,
                                    const std::shared_ptr<grpc::Channel>& channel) {
  NodeName name = {invocation.arguments.Text("--cluster"), invocation.arguments.operands()[0]};
  if (!name.cluster.empty()) return name;
  VAKT_ASSIGN_OR_RETURN(const v1::ListNodesResponse response, ListAllNodes(collector, channel));
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
