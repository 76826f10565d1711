// SPDX-License-Identifier: Apache-2.0
#include "agent/sensor/kernel_hooks.h"

#include <bpf/bpf.h>
#include <linux/btf.h>

#include <cerrno>
#include <cstring>
#include <iterator>

#include "common/base/file.h"
#include "common/base/unique_fd.h"

namespace vakt {
namespace {

// A type of this name stands for each tracepoint (include/trace/bpf_probe.h).
constexpr std::string_view kTracepointType = "btf_trace_";

struct FormerName {
  std::string_view target;
  std::string_view former;
};
constexpr FormerName kFormerNames[] = {
    {"io_uring_submit_req", "io_uring_submit_sqe"},  // until 6.2
};

bool IsTracepoint(HookType type) {
  return type == HookType::kBtfTracepoint || type == HookType::kDetail ||
         type == HookType::kEverySyscall;
}

// By loading two instructions for it: a kernel that does not know the place says so before it looks
// at them.
bool HasUnixConnect() {
  bpf_insn code[2] = {};
  code[0].code = BPF_ALU64 | BPF_MOV | BPF_K;
  code[0].imm = 1;
  code[1].code = BPF_JMP | BPF_EXIT;
  LIBBPF_OPTS(bpf_prog_load_opts, options);
  options.expected_attach_type = kCgroupUnixConnect;
  const UniqueFd program(bpf_prog_load(BPF_PROG_TYPE_CGROUP_SOCK_ADDR, "vakt_unix", "Dual BSD/GPL",
                                       code, std::size(code), &options));
  return program || errno != EINVAL;
}

}  // namespace

KernelHooks KernelHooks::Find(const std::string& btf_path) {
  const auto btf = ReadFile(btf_path);
  return Parse(btf.ok() ? std::string_view(*btf) : std::string_view(), HasUnixConnect());
}

KernelHooks KernelHooks::Parse(std::string_view btf, bool has_unix_connect) {
  KernelHooks hooks;
  hooks.has_unix_connect_ = has_unix_connect;
  btf_header header = {};
  if (btf.size() < sizeof(header)) return hooks;
  std::memcpy(&header, btf.data(), sizeof(header));
  const uint64_t begin = uint64_t{header.hdr_len} + header.str_off;
  if (header.magic != BTF_MAGIC || begin > btf.size()) return hooks;
  std::string_view names = btf.substr(begin, header.str_len);
  while (!names.empty()) {
    const size_t end = names.find('\0');
    const std::string_view name = names.substr(0, end);
    if (name.starts_with(kTracepointType)) {
      hooks.tracepoints_.emplace(name.substr(kTracepointType.size()));
    }
    names.remove_prefix(end == names.npos ? names.size() : end + 1);
  }
  return hooks;
}

bool KernelHooks::HasTracepoint(std::string_view name) const {
  return tracepoints_.empty() || tracepoints_.contains(std::string(name));
}

std::string_view KernelHooks::FormerNameOf(std::string_view target) const {
  for (const FormerName& row : kFormerNames) {
    if (row.target == target && !HasTracepoint(target) && HasTracepoint(row.former)) {
      return row.former;
    }
  }
  return {};
}

std::string_view KernelHooks::WhyMissing(const ProbeRow& row) const {
  if (IsTracepoint(row.type) && !HasTracepoint(row.target) && FormerNameOf(row.target).empty()) {
    return "this kernel has no such tracepoint";
  }
  if (row.type == HookType::kCgroup && row.target == "connect_unix" && !has_unix_connect_) {
    return "this kernel has no such hook";
  }
  return {};
}

}  // namespace vakt
