// SPDX-License-Identifier: Apache-2.0
#include "cli/node_list.h"

#include <grpcpp/client_context.h>

#include <utility>

#include "absl/time/clock.h"
#include "vakt/v1/fleet.grpc.pb.h"

namespace vakt {

absl::StatusOr<v1::ListNodesResponse> ListAllNodes(const Connection& collector,
                                                   const std::shared_ptr<grpc::Channel>& channel) {
  const auto stub = v1::Fleet::NewStub(channel);
  v1::ListNodesResponse all;
  v1::ListNodesRequest request;
  do {
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + kCallTimeout));
    v1::ListNodesResponse page;
    const grpc::Status status = stub->ListNodes(&context, request, &page);
    if (!status.ok()) return collector.Failure(status);
    request.set_page_token(page.next_page_token());
    for (v1::Node& node : *page.mutable_nodes()) *all.add_nodes() = std::move(node);
  } while (!request.page_token().empty());
  return all;
}

}  // namespace vakt
