// SPDX-License-Identifier: Apache-2.0
#include "collector/fleet/fleet_handler.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/base/text.h"

namespace vakt {

namespace {

constexpr size_t kMaxPageNodes = 1000;
constexpr size_t kMaxPageBytes = 2 << 20;  // clients take messages of 4 MiB

// The last node of the page before. Its names have no slash.
std::string TokenOf(const v1::Node& node) { return StrCat(node.cluster(), "/", node.node()); }

absl::StatusOr<NodeKey> ParseToken(const std::string& token) {
  if (token.empty()) return NodeKey{};
  const size_t slash = token.find('/');
  if (slash == std::string::npos) {
    return absl::InvalidArgumentError("page_token is not one of an earlier answer");
  }
  return NodeKey{token.substr(0, slash), token.substr(slash + 1)};
}

}  // namespace

absl::Status FleetHandler::ListNodes(const v1::ListNodesRequest& request,
                                     v1::ListNodesResponse* response) const {
  VAKT_ASSIGN_OR_RETURN(const NodeKey after, ParseToken(request.page_token()));
  NodePageLimits limits = {.count = kMaxPageNodes, .bytes = kMaxPageBytes};
  if (request.page_size() > 0) limits.count = std::min<size_t>(request.page_size(), limits.count);
  VAKT_ASSIGN_OR_RETURN(NodePage page, store_.ListNodesAfter(after, limits));
  AddNodes(std::move(page.nodes), response);
  if (page.has_more) {
    response->set_next_page_token(TokenOf(response->nodes(response->nodes_size() - 1)));
  }
  return absl::OkStatus();
}

absl::Status FleetHandler::ListAllNodes(v1::ListNodesResponse* response) const {
  VAKT_ASSIGN_OR_RETURN(std::vector<v1::Node> nodes, store_.ListNodes());
  AddNodes(std::move(nodes), response);
  return absl::OkStatus();
}

void FleetHandler::AddNodes(std::vector<v1::Node> nodes, v1::ListNodesResponse* response) const {
  for (v1::Node& node : nodes) {
    node.set_connected(is_connected_(node.cluster(), node.node()));
    for (v1::OpenCondition& open : watch_.OpenConditionsOf({node.cluster(), node.node()})) {
      *node.add_conditions() = std::move(open);
    }
    *response->add_nodes() = std::move(node);
  }
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
