// SPDX-License-Identifier: Apache-2.0
// An alert as one line for people. Threads: pure functions.
#ifndef VAKT_COMMON_ALERT_TEXT_H_
#define VAKT_COMMON_ALERT_TEXT_H_

#include <string>

#include "vakt/v1/alert.pb.h"

namespace vakt {

// "<time> <Priority> <rule>: <output>", without a newline and safe on a terminal.
std::string AlertText(const v1::Alert& alert);

}  // namespace vakt

#endif  // VAKT_COMMON_ALERT_TEXT_H_
