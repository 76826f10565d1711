// SPDX-License-Identifier: Apache-2.0
// Priorities of rules by name: 0 emergency ... 7 debug. Threads: pure functions.
#ifndef VAKT_COMMON_RULELANG_PRIORITY_NAMES_H_
#define VAKT_COMMON_RULELANG_PRIORITY_NAMES_H_

#include <string>
#include <string_view>

#include "absl/types/span.h"

namespace vakt {

// "Emergency" ... "Debug", as Falco prints them, by number.
absl::Span<const std::string_view> PriorityNames();

// Upper or lower case does not matter; "Info" is another name of Informational.
bool FindPriority(std::string_view name, int* priority);

// "Emergency, Alert, ...": for messages.
std::string PriorityList();

}  // namespace vakt

#endif  // VAKT_COMMON_RULELANG_PRIORITY_NAMES_H_
