// SPDX-License-Identifier: Apache-2.0
// The stack in an alert, as `vaktctl alerts get UID --output json` prints it, or in its event
// alone. The text is untrusted.
//
// Threads: pure functions.
#ifndef VAKT_SYMBOLS_ALERT_FRAMES_H_
#define VAKT_SYMBOLS_ALERT_FRAMES_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "symbols/frame.h"

namespace vakt {

// Innermost first. InvalidArgument: no JSON, or not an alert's; NotFound: an alert without a stack.
absl::StatusOr<std::vector<Frame>> FramesOfAlert(std::string_view json);

// 40 hex digits, lower case; shorter ids are filled up with zeros, as the kernel does it.
absl::StatusOr<std::string> ParseBuildId(std::string_view text);

}  // namespace vakt

#endif  // VAKT_SYMBOLS_ALERT_FRAMES_H_
