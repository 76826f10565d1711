// SPDX-License-Identifier: Apache-2.0
#include "agent/enrich/container_id.h"

#include <algorithm>

namespace vakt {
namespace {

constexpr std::string_view kPrefixes[] = {"docker-", "cri-containerd-", "crio-", "libpod-"};
constexpr std::string_view kSuffix = ".scope";

bool IsContainerId(std::string_view text) {
  return text.size() == kContainerIdSize && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

std::string_view IdOfComponent(std::string_view component) {
  if (component.size() < kContainerIdSize) return {};
  if (component.ends_with(kSuffix)) component.remove_suffix(kSuffix.size());
  for (const std::string_view prefix : kPrefixes) {
    if (!component.starts_with(prefix)) continue;
    component.remove_prefix(prefix.size());
    break;
  }
  return IsContainerId(component) ? component : std::string_view();
}

}  // namespace

std::string_view ContainerIdOf(std::string_view cgroup_path) {
  while (!cgroup_path.empty()) {
    const size_t slash = cgroup_path.rfind('/');
    const size_t begin = slash == std::string_view::npos ? 0 : slash + 1;
    const std::string_view id = IdOfComponent(cgroup_path.substr(begin));
    if (!id.empty()) return id;
    cgroup_path = cgroup_path.substr(0, begin == 0 ? 0 : slash);
  }
  return {};
}

}  // namespace vakt
