// SPDX-License-Identifier: Apache-2.0
// The keys that compact events of rule tests may have: one row each.
#ifndef VAKT_COMMON_RULETEST_SCRIPT_KEYS_H_
#define VAKT_COMMON_RULETEST_SCRIPT_KEYS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "common/event/kind.h"
#include "common/rulelang/yaml_reader.h"
#include "common/ruletest/event_script.h"
#include "vakt/v1/event.pb.h"

namespace vakt {

// An event while its keys are read.
struct EventDraft {
  ScriptProcess process;
  v1::Event event;  // type and result; the payload of file_open and process_exit
  v1::FileChange change;
  v1::Socket network;
  v1::SystemCall call;
  v1::ProcessAct act;
  v1::CredentialChange credentials;
  v1::NetworkFlow flow;
  uint64_t flow_ns = 0;  // since it began
  v1::NetworkDns dns;
  uint32_t child_pid = 0;
  uint64_t after_ns = 1'000'000;  // since the previous event
  bool has_comm = false;
};

struct ScriptKeyRow {
  std::string_view name;
  KindSet kinds;             // which events may have it
  std::string_view meaning;  // with its default
  absl::Status (*set)(const YamlNode& value, EventDraft& draft);
};

const std::vector<ScriptKeyRow>& AllScriptKeys();
// Of them those of flows and of name servers' answers (flow_keys.cc).
absl::Span<const ScriptKeyRow> FlowScriptKeys();
// Null when there is none of this name that `kind` may have.
const ScriptKeyRow* FindScriptKey(std::string_view name, Kind kind);
// "pid, ppid, exe": for messages.
std::string ScriptKeyNames(Kind kind);

}  // namespace vakt

#endif  // VAKT_COMMON_RULETEST_SCRIPT_KEYS_H_
