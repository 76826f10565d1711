// SPDX-License-Identifier: Apache-2.0
// What an agent is told: the typed form of its settings (common/config/setting_table.h).
#ifndef VAKT_AGENT_APP_OPTIONS_H_
#define VAKT_AGENT_APP_OPTIONS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "agent/app/alert_log.h"
#include "agent/app/flow_files.h"
#include "agent/flow/flow_table.h"
#include "agent/match/matcher.h"
#include "agent/sensor/kernel_sensor.h"
#include "common/config/settings.h"
#include "common/rulelang/output_additions.h"
#include "common/rulelang/rule_selection.h"

namespace vakt {

struct AgentOptions {
  std::vector<std::string> rule_paths;
  std::vector<RuleSelection> rule_selections;
  StaticFields static_fields;
  std::vector<OutputAddition> output_additions;
  MatchMode match_mode = MatchMode::kFirst;
  int priority_floor = 7;

  std::string alerts_path;  // empty: none
  AlertFormat alerts_format = AlertFormat::kJson;

  std::vector<std::string> collectors;  // host:port, in order of preference; empty: none
  std::string tls_ca, tls_cert, tls_key, tls_server_name;
  absl::Duration heartbeat;

  std::string node_name;  // empty: the host name
  std::string scope;      // cgroup directory; empty: the whole node
  uint64_t ring_bytes = 0;
  std::vector<std::string> disabled_probes;
  TierChoice tier = TierChoice::kAuto;
  bool strict = false;
  bool user_stacks = true;
  bool canary = true;
  bool prefilter = true;
  bool flows = true;
  std::string pin_path;  // empty: nothing outlives the agent
  FlowOptions flow;
  std::vector<std::string> cluster_blocks;
  FlowFilePaths flow_files;
  std::vector<std::string> container_sockets;  // of runtimes, in order of preference; empty: none
  absl::Duration container_wait;
  std::string record_path;

  std::string state_dir;
  std::string ready_file;
  std::string metrics_listen;  // host:port; empty: nowhere
  std::string health_listen;   // likewise
  uint64_t spool_max_bytes = 0;
};

// InvalidArgument when settings that go together do not (a collector without certificates).
absl::StatusOr<AgentOptions> AgentOptionsFrom(const Settings& settings);

}  // namespace vakt

#endif  // VAKT_AGENT_APP_OPTIONS_H_
