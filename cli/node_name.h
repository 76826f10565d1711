// SPDX-License-Identifier: Apache-2.0
// A node as the user names it: --cluster is needed only where two clusters have one of the name.
// Threads: thread-safe.
#ifndef VAKT_CLI_NODE_NAME_H_
#define VAKT_CLI_NODE_NAME_H_

#include <grpcpp/channel.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "cli/connection.h"
#include "cli/verbs.h"

namespace vakt {

struct NodeName {
  std::string cluster;
  std::string node;
};

// Of the verb's first operand and its --cluster. Asks the collector when that is not given.
absl::StatusOr<NodeName> NodeNameOf(const Invocation& invocation, const Connection& collector,
                                    const std::shared_ptr<grpc::Channel>& channel);

}  // namespace vakt

#endif  // VAKT_CLI_NODE_NAME_H_
