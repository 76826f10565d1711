// SPDX-License-Identifier: Apache-2.0
#include "agent/sensor/kernel_needs.h"

#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "common/base/strings.h"

namespace vakt {
namespace {

constexpr KernelNeed kNeeds[] = {
    {BPF_FUNC_ktime_get_boot_ns, "bpf_ktime_get_boot_ns", "5.8", "the time of an event"},
    {BPF_FUNC_get_current_task_btf, "bpf_get_current_task_btf", "5.11", "the process that acts"},
    {BPF_FUNC_task_pt_regs, "bpf_task_pt_regs", "5.15", "the arguments of its system call"},
    {BPF_FUNC_loop, "bpf_loop", "5.17", "paths, from the file up to the root"},
};

bool ThisKernelHas(int helper) {
  // A raw tracepoint may call what every tracing program may; a type of program of its own
  // (BPF_PROG_TYPE_TRACING) would need a target. Only a clear no counts.
  return libbpf_probe_bpf_helper(BPF_PROG_TYPE_RAW_TRACEPOINT, static_cast<bpf_func_id>(helper),
                                 nullptr) != 0;
}

}  // namespace

absl::Span<const KernelNeed> KernelNeeds() { return kNeeds; }

absl::Status CheckHelpers(const std::function<bool(int)>& has_helper) {
  std::string missing;
  std::string_view since;
  for (const KernelNeed& need : kNeeds) {
    if (has_helper(need.helper)) continue;
    missing += StrCat(missing.empty() ? "" : "; ", need.name, " (Linux ", need.since, ": ",
                      need.what_for, ")");
    since = need.since;  // rows are in the order of versions
  }
  if (missing.empty()) return absl::OkStatus();
  return absl::FailedPreconditionError(StrCat("this kernel is too old, it lacks ", missing,
                                              "; Vakt needs Linux ", since, " or later"));
}

absl::Status CheckKernel(const std::string& btf_path) {
  if (access(btf_path.c_str(), R_OK) != 0) {
    return absl::FailedPreconditionError(StrCat("this kernel offers no type information (",
                                                btf_path, ": ", std::strerror(errno),
                                                "): Vakt needs CONFIG_DEBUG_INFO_BTF=y"));
  }
  return CheckHelpers(ThisKernelHas);
}

}  // namespace vakt
