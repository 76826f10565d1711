// SPDX-License-Identifier: Apache-2.0
// Events from files, each as rules see it: with its process, its ancestors and its node.
//
// Threads: thread-compatible functions.
#ifndef VAKT_AGENT_APP_REPLAY_H_
#define VAKT_AGENT_APP_REPLAY_H_

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "common/event/event.h"

namespace vakt {

// The event is valid during the call. False: enough, end here.
using EventVisitor = std::function<bool(const Event& event)>;

// All events of a recording; DataLoss where it is damaged.
absl::Status PlayRecording(const std::string& path, const EventVisitor& visit);

// All events of a YAML list, as in the tests of rules (docs/formats/rule_test.md). `path` is for
// messages.
absl::Status PlayScript(const std::string& path, const std::string& yaml,
                        const EventVisitor& visit);

}  // namespace vakt

#endif  // VAKT_AGENT_APP_REPLAY_H_
