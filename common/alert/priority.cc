// SPDX-License-Identifier: Apache-2.0
#include "common/alert/priority.h"

#include <cstddef>

#include "common/rulelang/priority_names.h"

namespace vakt {

std::string_view PriorityName(v1::Priority priority) {
  const size_t i = static_cast<size_t>(priority);
  return i < PriorityNames().size() ? PriorityNames()[i] : "Unknown";
}

std::optional<v1::Priority> ParsePriority(std::string_view name) {
  int priority = 0;
  if (!FindPriority(name, &priority)) return std::nullopt;
  return static_cast<v1::Priority>(priority);
}

}  // namespace vakt
