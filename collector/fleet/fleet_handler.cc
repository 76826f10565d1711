// SPDX-License-Identifier: Apache-2.0
#include "collector/fleet/fleet_handler.h"

#include <vector>

#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/base/text.h"

namespace vakt {

absl::Status FleetHandler::ListNodes(v1::ListNodesResponse* response) const {
  VAKT_ASSIGN_OR_RETURN(std::vector<v1::Node> nodes, store_.ListNodes());
  for (v1::Node& node : nodes) {
    node.set_connected(is_connected_(node.cluster(), node.node()));
    for (v1::OpenCondition& open : watch_.OpenConditionsOf({node.cluster(), node.node()})) {
      *node.add_conditions() = std::move(open);
    }
    *response->add_nodes() = std::move(node);
  }
  return absl::OkStatus();
}

absl::Status FleetHandler::ForgetNode(const v1::ForgetNodeRequest& request) {
  const NodeKey node = {request.cluster(), request.node()};
  if (has_stream_(node.cluster, node.node)) {
    return absl::FailedPreconditionError(StrCat("node ", EscapeUtf8(node.node), " of cluster ",
                                                EscapeUtf8(node.cluster),
                                                " is connected: stop its agent first"));
  }
  // A node that connects from here on is stored anew behind this.
  VAKT_RETURN_IF_ERROR(store_.ForgetNode(node));
  watch_.Forget(node);
  return absl::OkStatus();
}

}  // namespace vakt
