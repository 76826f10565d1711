// SPDX-License-Identifier: Apache-2.0
// Events from files, each as rules see it: with its process, its ancestors and its node.
//
// Threads: thread-compatible functions.
#ifndef VAKT_AGENT_APP_REPLAY_H_
#define VAKT_AGENT_APP_REPLAY_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "agent/app/pipeline.h"
#include "agent/enrich/account_table.h"
#include "agent/match/matcher.h"
#include "common/event/event.h"
#include "common/event/node_facts.h"

namespace vakt {

// The event is valid during the call. False: enough, end here.
using EventVisitor = std::function<bool(const Event& event)>;

// Runs a recording through the stages: the same alerts, in the same order, as when it was made
// with the same rules. DataLoss names the place of a damaged recording.
absl::Status Replay(const std::string& recording_path, std::unique_ptr<Matcher> matcher,
                    PipelineOutput* output);

// The recorded form of the node's facts, with the accounts that user names come from.
v1::NodeFacts NodeFactsToProto(const NodeFacts& node, const AccountTable& accounts);

// All events of a recording; DataLoss where it is damaged.
absl::Status PlayRecording(const std::string& path, const EventVisitor& visit);

// All events of a YAML list, as in the tests of rules (docs/formats/rule_test.md). `path` is for
// messages.
absl::Status PlayScript(const std::string& path, const std::string& yaml,
                        const EventVisitor& visit);

}  // namespace vakt

#endif  // VAKT_AGENT_APP_REPLAY_H_
