// SPDX-License-Identifier: Apache-2.0
// The kernel's tables of flows (bpf/wire/flow.h): puts empty ones in the place of those in use and
// reads these once no probe holds them.
//
// Ownership: owns the tables, not the maps that name them. Threads: thread-compatible; Take waits
// for a grace period of the kernel (tens of milliseconds) and is not for the pipeline thread.
#ifndef VAKT_AGENT_SENSOR_FLOW_TABLES_H_
#define VAKT_AGENT_SENSOR_FLOW_TABLES_H_

#include <array>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/sensor/flow_sum.h"
#include "agent/sensor/pin_dir.h"
#include "bpf/wire/wire.h"
#include "common/base/unique_fd.h"

namespace vakt {

class FlowTables {
 public:
  // `tables_fd` is the map flow_tables, `rest_fd` flow_rest.
  static absl::StatusOr<std::unique_ptr<FlowTables>> Create(int tables_fd, int rest_fd);
  // Those that a predecessor pinned, with what was added up since it ended. `rest`, which outlives
  // the object, is what it has told of flow_rest.
  static absl::StatusOr<std::unique_ptr<FlowTables>> Adopt(int tables_fd, int rest_fd,
                                                           const PinnedSet& set,
                                                           vakt_flow_counts* rest);
  // From now on `rest` keeps what was told of flow_rest.
  absl::Status PinTo(PinnedSet& set, vakt_flow_counts* rest);

  // Appends everything that was added up since the last call.
  absl::Status Take(std::vector<FlowSum>* sums);

  std::vector<int> fds() const;

 private:
  FlowTables(int tables_fd, int rest_fd) : tables_fd_(tables_fd), rest_fd_(rest_fd) {}
  absl::Status Install(uint32_t place, int fd);
  static absl::Status Drain(int fd, bool folded, std::vector<FlowSum>* sums);
  absl::Status TakeRest(std::vector<FlowSum>* sums);

  const int tables_fd_;
  const int rest_fd_;
  std::array<std::array<UniqueFd, 2>, VAKT_FLOW_TABLES> tables_;  // by place and generation
  size_t generation_ = 0;                                         // in use
  vakt_flow_counts own_rest_ = {};
  vakt_flow_counts* rest_ = &own_rest_;  // flow_rest as it was; that is only ever added to
};

}  // namespace vakt

#endif  // VAKT_AGENT_SENSOR_FLOW_TABLES_H_
