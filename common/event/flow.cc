// SPDX-License-Identifier: Apache-2.0
#include "common/event/flow.h"

#include <array>

namespace vakt {
namespace {

template <typename Enum, size_t size>
std::string_view NameOf(Enum value, const std::array<std::string_view, size>& names) {
  const auto index = static_cast<size_t>(value);
  return index < size ? names[index] : std::string_view();
}

}  // namespace

std::string_view FlowStateName(FlowState state) {
  static constexpr std::array<std::string_view, 4> kNames = {"", "begin", "ongoing", "end"};
  return NameOf(state, kNames);
}

std::string_view FlowDirectionName(FlowDirection direction) {
  static constexpr std::array<std::string_view, 4> kNames = {"", "out", "in", "listen"};
  return NameOf(direction, kNames);
}

std::string_view FlowClassName(FlowClass of) {
  static constexpr std::array<std::string_view, 10> kNames = {
      "",        "loopback", "same-pod",   "same-node", "cluster",
      "private", "metadata", "link-local", "multicast", "external"};
  return NameOf(of, kNames);
}

std::string_view NameSourceName(NameSource source) {
  static constexpr std::array<std::string_view, 3> kNames = {"", "dns", "sni"};
  return NameOf(source, kNames);
}

}  // namespace vakt
