// SPDX-License-Identifier: Apache-2.0
// Names of the numbers that system calls take: requests, options, flags. The spelling is Linux's,
// which is what rules written for Falco expect.
//
// Threads: pure functions over constant tables, any thread.
#ifndef VAKT_COMMON_EVENT_CALL_NAMES_H_
#define VAKT_COMMON_EVENT_CALL_NAMES_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/types/span.h"

namespace vakt {

struct NumberName {
  uint64_t value;
  std::string_view name;
};
using NumberNames = absl::Span<const NumberName>;

NumberNames PtraceRequests();      // PTRACE_ATTACH
NumberNames SignalNames();         // SIGKILL
NumberNames CloneFlags();          // CLONE_NEWNS, ...
NumberNames BpfCommands();         // BPF_PROG_LOAD
NumberNames BpfProgramTypes();     // BPF_PROG_TYPE_KPROBE
NumberNames PrctlOptions();        // PR_SET_NAME
NumberNames ProtectionFlags();     // PROT_EXEC
NumberNames MappingFlags();        // MAP_ANONYMOUS
NumberNames MemfdFlags();          // MFD_CLOEXEC
NumberNames ModuleFlags();         // MODULE_INIT_IGNORE_VERMAGIC
NumberNames DeleteModuleFlags();   // O_NONBLOCK, O_TRUNC
NumberNames SeccompOperations();   // SECCOMP_SET_MODE_FILTER
NumberNames SeccompFlags();        // SECCOMP_FILTER_FLAG_TSYNC
NumberNames UserfaultfdFlags();    // UFFD_USER_MODE_ONLY
NumberNames ResourceNames();       // RLIMIT_NOFILE
NumberNames SchedulingPolicies();  // SCHED_IDLE
NumberNames KeyctlCommands();      // KEYCTL_READ

// The name of `value`; empty when it has none.
std::string_view NameOf(uint64_t value, NumberNames names);
// Names of the bits that are set, in the order of the table, joined by "|".
std::string FlagNamesOf(uint64_t value, NumberNames names);

}  // namespace vakt

#endif  // VAKT_COMMON_EVENT_CALL_NAMES_H_
