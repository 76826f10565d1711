// SPDX-License-Identifier: Apache-2.0
#include "agent/enrich/container_id.h"

#include <algorithm>

namespace vakt {
namespace {

struct RuntimeName {
  std::string_view name;
  std::string_view runtime;
};

// Before the id.
constexpr RuntimeName kPrefixes[] = {{"docker", "docker"},
                                     {"cri-containerd", "containerd"},
                                     {"nerdctl", "containerd"},
                                     {"crio", "cri-o"},
                                     {"libpod", "podman"}};
// Names of the directory above a bare id. That of the pod (kubepods/...) is every runtime's.
constexpr RuntimeName kParents[] = {{"docker", "docker"},
                                    {"moby", "docker"},
                                    {"k8s.io", "containerd"},
                                    {"default", "containerd"},
                                    {"libpod_parent", "podman"}};
constexpr std::string_view kSuffix = ".scope";

bool IsContainerId(std::string_view text) {
  return text.size() == kContainerIdSize && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

std::string_view LastComponent(std::string_view path) {
  return path.substr(path.rfind('/') + 1);  // npos + 1 is 0
}

template <size_t size>
std::string_view RuntimeOf(std::string_view name, const RuntimeName (&names)[size]) {
  for (const RuntimeName& row : names) {
    if (row.name == name) return row.runtime;
  }
  return {};
}

// `above` is the path that the component is in.
ContainerName NameOf(std::string_view component, std::string_view above) {
  if (component.size() < kContainerIdSize) return {};
  if (component.ends_with(kSuffix)) component.remove_suffix(kSuffix.size());
  if (component.size() < kContainerIdSize) return {};
  std::string_view prefix = component.substr(0, component.size() - kContainerIdSize);
  const std::string_view id = component.substr(prefix.size());
  if (!IsContainerId(id)) return {};
  if (prefix.empty()) return {id, RuntimeOf(LastComponent(above), kParents)};
  const char last = prefix.back();
  prefix.remove_suffix(1);
  if (last == ':') {
    prefix = prefix.substr(prefix.rfind(':') + 1);
  } else if (last != '-') {
    return {};
  }
  const std::string_view runtime = RuntimeOf(prefix, kPrefixes);
  return runtime.empty() ? ContainerName() : ContainerName{id, runtime};
}

}  // namespace

ContainerName ContainerOfCgroup(std::string_view cgroup_path) {
  while (!cgroup_path.empty()) {
    const std::string_view component = LastComponent(cgroup_path);
    std::string_view above = cgroup_path.substr(0, cgroup_path.size() - component.size());
    if (!above.empty()) above.remove_suffix(1);
    const ContainerName name = NameOf(component, above);
    if (!name.id.empty()) return name;
    cgroup_path = above;
  }
  return {};
}

}  // namespace vakt
