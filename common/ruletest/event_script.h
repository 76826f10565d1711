// SPDX-License-Identifier: Apache-2.0
// Turns compact events of a rule test into full ones: remembers processes by pid, so that each
// event says only what is new.
//
// Threads: thread-compatible. One script per case.
#ifndef VAKT_COMMON_RULETEST_EVENT_SCRIPT_H_
#define VAKT_COMMON_RULETEST_EVENT_SCRIPT_H_

#include <cstdint>
#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "common/event/kind.h"
#include "common/rulelang/yaml_reader.h"
#include "vakt/v1/event.pb.h"

namespace vakt {

// A process of a script: what its next event says about it.
struct ScriptProcess {
  v1::Task task;
  v1::ProcessExec image;

  void SetCgroup(const std::string& path);
};

struct EventDraft;  // script_keys.h

class EventScript {
 public:
  // `item` is a mapping of one event kind to its keys. Errors say nothing about the file; their
  // position is in *where.
  absl::StatusOr<v1::Event> Add(const YamlNode& item, SourcePosition* where);

 private:
  absl::StatusOr<ScriptProcess> FindOrStart(const YamlNode& keys, bool starts_program);
  ScriptProcess Start(uint32_t pid, uint32_t ppid);
  void CompleteTarget(Kind kind, EventDraft& draft);

  std::map<uint32_t, ScriptProcess> processes_;
  uint64_t boot_ns_ = 1'000'000'000'000;
  uint64_t seq_ = 0;
};

}  // namespace vakt

#endif  // VAKT_COMMON_RULETEST_EVENT_SCRIPT_H_
