// SPDX-License-Identifier: Apache-2.0
// Which of the hooks that kernels got over the years this one has. Asked before programs are
// loaded: one whose hook is missing would make libbpf give up the others, too, and all be verified
// again.
//
// Threads: thread-compatible; immutable once made.
#ifndef VAKT_AGENT_SENSOR_KERNEL_HOOKS_H_
#define VAKT_AGENT_SENSOR_KERNEL_HOOKS_H_

#include <linux/bpf.h>

#include <string>
#include <string_view>

#include "absl/container/flat_hash_set.h"
#include "agent/sensor/probe_table.h"

namespace vakt {

// BPF_CGROUP_UNIX_CONNECT, in linux/bpf.h since 6.7.
inline constexpr auto kCgroupUnixConnect = static_cast<bpf_attach_type>(49);

class KernelHooks {
 public:
  // Knows nothing: takes every hook for present.
  KernelHooks() = default;
  // Of this kernel, whose type information is at `btf_path`. What cannot be found out is taken for
  // present: loading will tell.
  static KernelHooks Find(const std::string& btf_path);
  // Of a kernel with this type information (linux/btf.h); malformed bytes tell nothing.
  static KernelHooks Parse(std::string_view btf, bool has_unix_connect);

  // Why this row cannot be attached here; empty when it can, as far as is known.
  std::string_view WhyMissing(const ProbeRow& row) const;
  // What the tracepoint `target` was called before, where this kernel has it under that name alone;
  // else empty. The first argument is the same.
  std::string_view FormerNameOf(std::string_view target) const;

 private:
  bool HasTracepoint(std::string_view name) const;

  absl::flat_hash_set<std::string> tracepoints_;  // empty: not known
  bool has_unix_connect_ = true;
};

}  // namespace vakt

#endif  // VAKT_AGENT_SENSOR_KERNEL_HOOKS_H_
