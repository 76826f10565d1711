// SPDX-License-Identifier: Apache-2.0
// Opens a tracepoint as a perf event, for a BPF program to be attached to.
#ifndef VAKT_AGENT_SENSOR_TRACEPOINT_H_
#define VAKT_AGENT_SENSOR_TRACEPOINT_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/base/unique_fd.h"

namespace vakt {

// Reads tracepoint numbers from tracefs: the mounted one, or, where none is mounted, one of its own
// that is attached to no directory (kernel 5.2). Thread-compatible.
class Tracefs {
 public:
  static absl::StatusOr<Tracefs> Open();
  // `name` is a path below events/, e.g. "syscalls/sys_exit_openat".
  absl::StatusOr<UniqueFd> OpenTracepoint(std::string_view name) const;

 private:
  explicit Tracefs(UniqueFd root) : root_(std::move(root)) {}
  UniqueFd root_;
};

}  // namespace vakt

#endif  // VAKT_AGENT_SENSOR_TRACEPOINT_H_
