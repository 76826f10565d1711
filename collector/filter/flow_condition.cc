// SPDX-License-Identifier: Apache-2.0
#include "collector/filter/flow_condition.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/base/text.h"

namespace vakt {
namespace {

constexpr int kMaxValues = 1000;
constexpr size_t kMinContainerDigits = 4;

// Whether `is_one` holds for any of the values, or there are none.
template <typename Values, typename Predicate>
bool AnyOf(const Values& values, const Predicate& is_one) {
  return values.empty() || std::any_of(values.begin(), values.end(), is_one);
}

bool IsExecutable(std::string_view wanted, std::string_view path) {
  if (wanted.find('/') != wanted.npos) return path == wanted;
  const size_t slash = path.rfind('/');
  return path.substr(slash == path.npos ? 0 : slash + 1) == wanted;
}

uint32_t ServicePort(const v1::Flow& flow) {
  return flow.direction() == v1::Flow::DIRECTION_OUT ? flow.remote().port() : flow.local().port();
}

}  // namespace

absl::StatusOr<FlowCondition::Remote> FlowCondition::ParseRemote(const std::string& text) {
  Remote remote;
  remote.block = ParseAddressBlock(text);
  if (remote.block.has_value()) return remote;
  if (!text.empty() && text.find_first_of("/:") == text.npos) {
    remote.name = absl::AsciiStrToLower(text);
    return remote;
  }
  return absl::InvalidArgumentError(
      StrCat("filter.remotes: \"", EscapeUtf8(text),
             "\" is no address, no block such as 10.0.0.0/8 and no name"));
}

absl::StatusOr<FlowCondition> FlowCondition::Create(const v1::FlowFilter& filter) {
  FlowCondition condition;
  condition.filter_ = filter;
  for (const int size : {filter.nodes_size(), filter.namespaces_size(), filter.pods_size(),
                         filter.containers_size(), filter.executables_size(), filter.classes_size(),
                         filter.directions_size(), filter.remotes_size(), filter.ports_size()}) {
    if (size > kMaxValues) {
      return absl::InvalidArgumentError(
          StrCat("a field of the filter has more than ", kMaxValues, " values"));
    }
  }
  for (const std::string& container : filter.containers()) {
    if (container.size() < kMinContainerDigits) {
      return absl::InvalidArgumentError(
          StrCat("filter.containers: at least ", kMinContainerDigits, " characters of the id"));
    }
  }
  for (const std::string& text : filter.remotes()) {
    VAKT_ASSIGN_OR_RETURN(Remote remote, ParseRemote(text));
    condition.remotes_.push_back(std::move(remote));
  }
  return condition;
}

bool FlowCondition::IsRemote(const Remote& remote, const v1::Flow& flow) {
  if (remote.block.has_value()) return remote.block->Contains(flow.remote().address());
  return std::any_of(flow.names().begin(), flow.names().end(), [&](const v1::RemoteName& known) {
    const std::string& name = known.name();
    if (!name.ends_with(remote.name)) return false;
    return name.size() == remote.name.size() || name[name.size() - remote.name.size() - 1] == '.';
  });
}

bool FlowCondition::Matches(const v1::Flow& flow) const {
  const v1::Pod& pod = flow.container().pod();
  return AnyOf(filter_.classes(), [&](int one) { return one == flow.class_(); }) &&
         AnyOf(filter_.directions(), [&](int one) { return one == flow.direction(); }) &&
         AnyOf(filter_.ports(), [&](uint32_t port) { return port == ServicePort(flow); }) &&
         AnyOf(filter_.namespaces(), [&](const auto& name) { return name == pod.namespace_(); }) &&
         AnyOf(filter_.pods(), [&](const auto& name) { return name == pod.name(); }) &&
         AnyOf(filter_.containers(),
               [&](const auto& id) { return flow.container().id().starts_with(id); }) &&
         AnyOf(filter_.executables(),
               [&](const auto& path) { return IsExecutable(path, flow.executable()); }) &&
         AnyOf(remotes_, [&](const Remote& remote) { return IsRemote(remote, flow); });
}

}  // namespace vakt
