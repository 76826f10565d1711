// SPDX-License-Identifier: Apache-2.0
// Names of probe states, as status reports and logs print them.
#ifndef VAKT_AGENT_APP_PROBE_STATUS_H_
#define VAKT_AGENT_APP_PROBE_STATUS_H_

#include <string_view>

#include "agent/sensor/kernel_sensor.h"

namespace vakt {

constexpr std::string_view ProbeStateName(ProbeReport::State state) {
  switch (state) {
    case ProbeReport::State::kAttached:
      return "attached";
    case ProbeReport::State::kNotNeeded:
      return "not needed";
    case ProbeReport::State::kDisabled:
      return "disabled";
    case ProbeReport::State::kFailed:
      return "failed";
  }
  return "";
}

// Wanted, and not there.
constexpr bool IsBlind(const ProbeReport& report) {
  return report.state == ProbeReport::State::kFailed ||
         report.state == ProbeReport::State::kDisabled;
}

}  // namespace vakt

#endif  // VAKT_AGENT_APP_PROBE_STATUS_H_
