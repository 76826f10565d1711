// SPDX-License-Identifier: Apache-2.0
// All nodes that the collector knows, however many pages that takes. Thread-safe.
#ifndef VAKT_CLI_NODE_LIST_H_
#define VAKT_CLI_NODE_LIST_H_

#include <grpcpp/channel.h>

#include <memory>

#include "absl/status/statusor.h"
#include "cli/connection.h"
#include "vakt/v1/fleet.pb.h"

namespace vakt {

// One answer without a token, as if it were the only page.
absl::StatusOr<v1::ListNodesResponse> ListAllNodes(const Connection& collector,
                                                   const std::shared_ptr<grpc::Channel>& channel);

}  // namespace vakt

#endif  // VAKT_CLI_NODE_LIST_H_
