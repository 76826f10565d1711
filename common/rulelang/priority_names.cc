// SPDX-License-Identifier: Apache-2.0
#include "common/rulelang/priority_names.h"

#include "absl/strings/match.h"
#include "common/base/strings.h"

namespace vakt {
namespace {

constexpr std::string_view kNames[] = {"Emergency", "Alert",  "Critical",      "Error",
                                       "Warning",   "Notice", "Informational", "Debug"};
constexpr int kInformational = 6;

}  // namespace

absl::Span<const std::string_view> PriorityNames() { return kNames; }

bool FindPriority(std::string_view name, int* priority) {
  for (int i = 0; i < static_cast<int>(std::size(kNames)); ++i) {
    if (!absl::EqualsIgnoreCase(ToAbsl(name), ToAbsl(kNames[i]))) continue;
    *priority = i;
    return true;
  }
  if (!absl::EqualsIgnoreCase(ToAbsl(name), "info")) return false;
  *priority = kInformational;
  return true;
}

std::string PriorityList() {
  std::string list;
  for (const std::string_view name : kNames) list += StrCat(list.empty() ? "" : ", ", name);
  return list;
}

}  // namespace vakt
