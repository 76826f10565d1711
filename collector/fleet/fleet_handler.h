// SPDX-License-Identifier: Apache-2.0
// The nodes that the collector knows, whether each is connected now, and its open conditions.
// Threads: thread-safe; a call blocks on the disk.
#ifndef VAKT_COLLECTOR_FLEET_FLEET_HANDLER_H_
#define VAKT_COLLECTOR_FLEET_FLEET_HANDLER_H_

#include <functional>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "collector/fleet/fleet_watch.h"
#include "collector/store/store.h"
#include "vakt/v1/fleet.pb.h"

namespace vakt {

class FleetHandler {
 public:
  using IsConnected = std::function<bool(std::string_view cluster, std::string_view node)>;

  // Store and watch must outlive it.
  FleetHandler(Store* store, const FleetWatch* watch, IsConnected is_connected)
      : store_(*store), watch_(*watch), is_connected_(std::move(is_connected)) {}

  // By cluster and name.
  absl::Status ListNodes(v1::ListNodesResponse* response) const;

 private:
  Store& store_;
  const FleetWatch& watch_;
  const IsConnected is_connected_;
};

}  // namespace vakt

#endif  // VAKT_COLLECTOR_FLEET_FLEET_HANDLER_H_
