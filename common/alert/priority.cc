// SPDX-License-Identifier: Apache-2.0
#include "common/alert/priority.h"

#include <cstddef>
#include <iterator>

#include "absl/strings/match.h"
#include "common/base/strings.h"

namespace vakt {
namespace {

constexpr std::string_view kNames[] = {"Emergency", "Alert",  "Critical",      "Error",
                                       "Warning",   "Notice", "Informational", "Debug"};

}  // namespace

std::string_view PriorityName(v1::Priority priority) {
  const size_t i = static_cast<size_t>(priority);
  return i < std::size(kNames) ? kNames[i] : "Unknown";
}

std::optional<v1::Priority> ParsePriority(std::string_view name) {
  if (absl::EqualsIgnoreCase(ToAbsl(name), "info")) return v1::PRIORITY_INFORMATIONAL;
  for (size_t i = 0; i < std::size(kNames); ++i) {
    if (absl::EqualsIgnoreCase(ToAbsl(name), ToAbsl(kNames[i]))) {
      return static_cast<v1::Priority>(i);
    }
  }
  return std::nullopt;
}

}  // namespace vakt
