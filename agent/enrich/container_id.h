// SPDX-License-Identifier: Apache-2.0
// Which container a control group belongs to, from the names that container runtimes give.
// Thread-safe.
#ifndef VAKT_AGENT_ENRICH_CONTAINER_ID_H_
#define VAKT_AGENT_ENRICH_CONTAINER_ID_H_

#include <cstddef>
#include <string_view>

namespace vakt {

inline constexpr size_t kContainerIdSize = 64;
inline constexpr size_t kShortContainerIdSize = 12;  // what people and Falco write

struct ContainerName {
  std::string_view id;       // 64 hex digits, a view into the path; empty outside containers
  std::string_view runtime;  // "docker"; empty when the path does not tell
};

// The innermost container in a path of cgroup v2 (or of one hierarchy of v1: the names are the
// same), however deep the process is in it. Known are
//
//   <prefix><id>.scope             systemd driver; ".scope" may be missing
//   <slice>:<prefix>:<id>          names of that driver, made by one that is not
//   <parent>/<id>                  cgroupfs driver
//
// with the prefixes and parents of docker, containerd, CRI-O and podman. What supervises a
// container from outside (crio-conmon-<id>.scope, libpod-conmon-<id>.scope) is none.
ContainerName ContainerOfCgroup(std::string_view cgroup_path);

}  // namespace vakt

#endif  // VAKT_AGENT_ENRICH_CONTAINER_ID_H_
