// SPDX-License-Identifier: Apache-2.0
// Arguments and environment of a process that already ran: another process's memory is out of the
// task iterator's reach, so they come from /proc. The process may have rewritten them since its
// exec.
#ifndef VAKT_AGENT_APP_PROC_ARGV_H_
#define VAKT_AGENT_APP_PROC_ARGV_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace vakt {

// NUL-separated, at most 16 KiB; empty for kernel threads and processes that are gone.
std::string ReadProcArgv(uint32_t pid, std::string_view proc_root = "/proc");
// The same, at most 4 KiB.
std::string ReadProcEnv(uint32_t pid, std::string_view proc_root = "/proc");

}  // namespace vakt

#endif  // VAKT_AGENT_APP_PROC_ARGV_H_
