// SPDX-License-Identifier: Apache-2.0
// The inline tier of system-call exits: hooks on the calls' own functions, which cost other calls
// nothing, where tracepoints tax every call of the machine. What the forms are:
// bpf/lib/syscall_exit.h.
//
// Ownership: owns nothing but what it knows of the kernel. Threads: thread-compatible.
#ifndef VAKT_AGENT_SENSOR_INLINE_EXITS_H_
#define VAKT_AGENT_SENSOR_INLINE_EXITS_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "common/base/unique_fd.h"

struct btf;

namespace vakt {

// One function's hook. Its program is what the kernel accounts the run time to.
struct InlineExit {
  UniqueFd program;
  UniqueFd link;
};

class InlineExits {
 public:
  // Whether this kernel takes fexit programs at all. Asks by loading two instructions: a kernel
  // that refuses trampolines does so before it looks at them, in microseconds.
  static bool Allowed();

  // Reads what functions system calls have, in the kernel's type information and its symbols.
  static InlineExits Find(const std::string& btf_path, const std::string& symbols_path);

  // How the exit of a call, for example sys_exit_openat, can be hooked.
  enum class Form : uint8_t {
    kNone,      // the kernel has no such function
    kFunction,  // by fexit: a jump to the body
    kSymbol,    // by the body itself (kprobe.multi)
  };
  Form FormOf(std::string_view tracepoint) const;

  // Whether kprobe.multi is there for kSymbol (CONFIG_FPROBE); if not, a kretprobe, of which a
  // program has to know when it is loaded.
  bool has_fprobes() const { return has_fprobes_; }

  // Hooks that call's function, of form kFunction: it jumps to `slot` of the program array
  // `exits_fd`.
  absl::StatusOr<InlineExit> Attach(std::string_view tracepoint, int exits_fd, uint32_t slot) const;

 private:
  void FindFunctions(const btf* types);
  void FindSymbols(const std::string& path);

  // By the name of the call: the function's id in the kernel's BTF.
  absl::flat_hash_map<std::string, uint32_t> functions_;
  absl::flat_hash_set<std::string> symbols_;
  bool has_fprobes_ = false;
};

// "__x64_sys_openat" of "sys_exit_openat".
std::string FunctionOf(std::string_view tracepoint);

}  // namespace vakt

#endif  // VAKT_AGENT_SENSOR_INLINE_EXITS_H_
