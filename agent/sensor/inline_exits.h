// SPDX-License-Identifier: Apache-2.0
// The inline tier of system-call exits: hooks on the calls' own functions (fexit), which cost other
// calls nothing, where tracepoints tax every call of the machine.
//
// A body (bpf/lib/syscall_exit.h) is verified once; each function gets a program of six
// instructions that jumps to it.
//
// Ownership: owns nothing but what it knows of the kernel. Threads: thread-compatible.
#ifndef VAKT_AGENT_SENSOR_INLINE_EXITS_H_
#define VAKT_AGENT_SENSOR_INLINE_EXITS_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "common/base/unique_fd.h"

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

  // Reads where the kernel's system-call functions are. Without type information there are none.
  static InlineExits Find(const std::string& btf_path);

  // How the exit of a call, for example sys_exit_openat, can be hooked.
  enum class Form : uint8_t {
    kNone,    // the kernel has no such function
    kShared,  // by a jump to the body that all calls of its program share
    kOwn,     // by a program of its own, SYSCALL_EXIT_OF
  };
  Form FormOf(std::string_view tracepoint) const;

  // Hooks that call's function, of form kShared: it jumps to `slot` of the program array
  // `exits_fd`.
  absl::StatusOr<InlineExit> Attach(std::string_view tracepoint, int exits_fd, uint32_t slot) const;

 private:
  struct Function {
    uint32_t id = 0;         // in the kernel's BTF
    uint32_t prototype = 0;  // likewise
  };
  const Function* FunctionOf(std::string_view tracepoint) const;

  absl::flat_hash_map<std::string, Function> functions_;  // __x64_sys_* without the prefix
};

// "openat" of "sys_exit_openat".
std::string_view CallOf(std::string_view tracepoint);

}  // namespace vakt

#endif  // VAKT_AGENT_SENSOR_INLINE_EXITS_H_
