// SPDX-License-Identifier: Apache-2.0
// A cgroup v2 directory to which the sensor is confined.
#ifndef VAKT_AGENT_SENSOR_SCOPE_H_
#define VAKT_AGENT_SENSOR_SCOPE_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"

namespace vakt {

struct Scope {
  uint64_t cgroup_id = 0;  // inode of the directory; 0: the whole node
  uint32_t level = 0;      // depth below the hierarchy's root
};

// InvalidArgument when `directory` is not in a cgroup v2 hierarchy.
absl::StatusOr<Scope> ScopeOf(const std::string& directory);

// Where the cgroup v2 hierarchy is mounted, from /proc/self/mounts.
absl::StatusOr<std::string> CgroupRoot(const std::string& mounts_path = "/proc/self/mounts");

}  // namespace vakt

#endif  // VAKT_AGENT_SENSOR_SCOPE_H_
