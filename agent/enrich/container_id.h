// SPDX-License-Identifier: Apache-2.0
// Which container a cgroup belongs to, from the names that container runtimes give. Thread-safe.
#ifndef VAKT_AGENT_ENRICH_CONTAINER_ID_H_
#define VAKT_AGENT_ENRICH_CONTAINER_ID_H_

#include <cstddef>
#include <string_view>

namespace vakt {

inline constexpr size_t kContainerIdSize = 64;
inline constexpr size_t kShortContainerIdSize = 12;  // what people and Falco write

// The 64 hex digits of the innermost container in a cgroup v2 path, a view into it; empty outside
// containers. Known: docker-<id>.scope, cri-containerd-<id>.scope, crio-<id>.scope,
// libpod-<id>.scope (systemd driver; ".scope" may be missing) and a bare <id> (cgroupfs driver).
// crio-conmon-<id>.scope and libpod-conmon-<id>.scope hold the container's supervisor, which runs
// on the host: they are not containers.
std::string_view ContainerIdOf(std::string_view cgroup_path);

}  // namespace vakt

#endif  // VAKT_AGENT_ENRICH_CONTAINER_ID_H_
