// SPDX-License-Identifier: Apache-2.0
// What no probe can do without. A kernel that lacks it is refused before anything is loaded, with
// what is missing by name: else every program is refused, one after the other, and the log is full
// of the verifier's words. All that some probes need is found out by loading them.
//
// Threads: thread-safe.
#ifndef VAKT_AGENT_SENSOR_KERNEL_NEEDS_H_
#define VAKT_AGENT_SENSOR_KERNEL_NEEDS_H_

#include <functional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/types/span.h"

namespace vakt {

struct KernelNeed {
  int helper;             // number of a BPF helper, as linux/bpf.h has it
  std::string_view name;  // of the helper
  std::string_view since;
  std::string_view what_for;
};

absl::Span<const KernelNeed> KernelNeeds();

// FailedPrecondition: this kernel has no type information at `btf_path`, or lacks a helper. Asks by
// loading a few instructions for each: less than a millisecond together.
absl::Status CheckKernel(const std::string& btf_path);

// The same verdict from what `has_helper` says of each number.
absl::Status CheckHelpers(const std::function<bool(int)>& has_helper);

}  // namespace vakt

#endif  // VAKT_AGENT_SENSOR_KERNEL_NEEDS_H_
