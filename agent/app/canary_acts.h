// SPDX-License-Identifier: Apache-2.0
// Harmless acts that must make the kernel's hooks count: what the canary does to see whether it is
// seen. One row each; a row's act is tried when a kind of its is watched and has been quiet.
#ifndef VAKT_AGENT_APP_CANARY_ACTS_H_
#define VAKT_AGENT_APP_CANARY_ACTS_H_

#include <string>

#include "absl/types/span.h"
#include "common/event/kind.h"

namespace vakt {

struct CanaryAct {
  KindSet kinds;  // each of which it makes at least once
  // False when it could not be done here (no loopback, full disk), which proves nothing.
  // `directory` exists and is the agent's own. At most milliseconds; from any thread.
  bool (*act)(const std::string& directory);
};

absl::Span<const CanaryAct> CanaryActs();

}  // namespace vakt

#endif  // VAKT_AGENT_APP_CANARY_ACTS_H_
