// SPDX-License-Identifier: Apache-2.0
// Names of alert priorities, as Falco prints and reads them. Threads: pure functions.
#ifndef VAKT_COMMON_ALERT_PRIORITY_H_
#define VAKT_COMMON_ALERT_PRIORITY_H_

#include <optional>
#include <string_view>

#include "vakt/v1/alert.pb.h"

namespace vakt {

// "Emergency" ... "Informational", "Debug"; "Unknown" for a number that a newer peer sent.
std::string_view PriorityName(v1::Priority priority);

// Upper or lower case does not matter; "Info" is accepted for Informational.
std::optional<v1::Priority> ParsePriority(std::string_view name);

}  // namespace vakt

#endif  // VAKT_COMMON_ALERT_PRIORITY_H_
