// SPDX-License-Identifier: Apache-2.0
// The nodes that the collector knows, whether each is connected now, and its open conditions; and
// forgetting those that are gone for good.
// Threads: thread-safe; a call blocks on the disk.
#ifndef VAKT_COLLECTOR_FLEET_FLEET_HANDLER_H_
#define VAKT_COLLECTOR_FLEET_FLEET_HANDLER_H_

#include <functional>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "collector/fleet/fleet_watch.h"
#include "collector/store/store.h"
#include "vakt/v1/fleet.pb.h"

namespace vakt {

class FleetHandler {
 public:
  using IsConnected = std::function<bool(std::string_view cluster, std::string_view node)>;

  // Store and watch must outlive it. `has_stream`: also of one that is about to connect.
  FleetHandler(Store* store, FleetWatch* watch, IsConnected is_connected, IsConnected has_stream)
      : store_(*store),
        watch_(*watch),
        is_connected_(std::move(is_connected)),
        has_stream_(std::move(has_stream)) {}

  // By cluster and name.
  absl::Status ListNodes(const v1::ListNodesRequest& request,
                         v1::ListNodesResponse* response) const;
  // Without pages: for callers in this process.
  absl::Status ListAllNodes(v1::ListNodesResponse* response) const;
  // FAILED_PRECONDITION while it has a stream, NOT_FOUND when there is none of the name.
  absl::Status ForgetNode(const v1::ForgetNodeRequest& request);

 private:
  void AddNodes(std::vector<v1::Node> nodes, v1::ListNodesResponse* response) const;

  Store& store_;
  FleetWatch& watch_;
  const IsConnected is_connected_, has_stream_;
};

}  // namespace vakt

#endif  // VAKT_COLLECTOR_FLEET_FLEET_HANDLER_H_
