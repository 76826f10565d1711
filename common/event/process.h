// SPDX-License-Identifier: Apache-2.0
// What is known of a process: built by agent/enrich, read by the field table.
//
// Ownership: the process table owns all Process objects; `parent` is null when the parent is not
// known or has been forgotten. Threads: pipeline thread only.
#ifndef VAKT_COMMON_EVENT_PROCESS_H_
#define VAKT_COMMON_EVENT_PROCESS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/types/span.h"

namespace vakt {

struct Process {
  uint64_t cookie = 0;
  uint64_t parent_cookie = 0;
  const Process* parent = nullptr;          // kept alive while it has children that live
  const Process* session_leader = nullptr;  // null when unknown or gone
  uint32_t pid = 0;
  uint32_t ppid = 0;
  uint64_t start_boot_ns = 0;  // of the process (fork)
  uint64_t exec_boot_ns = 0;   // of the program; equals start_boot_ns when it never exec'ed
  bool exited = false;
  bool kernel_thread = false;

  // Program.
  std::string comm;
  std::string exe_path;                 // as the kernel resolved it
  std::vector<std::string> argv;        // argv[0] is proc.exe
  std::string args;                     // argv[1..] joined by a space: proc.args
  std::string cmdline;                  // comm and args: proc.cmdline
  std::string exeline;                  // argv[0] and args: proc.exeline
  std::string cwd;                      // ends with '/'
  bool argv_truncated = false;
  bool exe_upper_layer = false;
  bool exe_memfd = false;
  bool exe_unlinked = false;
  bool exe_writable = false;
  uint64_t exe_ino = 0;
  int64_t exe_ctime_ns = 0;
  int64_t exe_mtime_ns = 0;

  // Identity.
  uint32_t uid = 0;
  uint32_t gid = 0;
  uint32_t euid = 0;
  uint32_t login_uid = 0xffffffff;
  uint32_t ns_pid = 0;
  uint32_t pgid = 0;
  uint32_t ns_pgid = 0;
  uint32_t session_id = 0;
  uint32_t ns_session_id = 0;
  uint32_t tty = 0;
  uint64_t cap_permitted = 0;
  uint64_t cap_inheritable = 0;
  uint64_t cap_effective = 0;
  uint32_t mnt_ns = 0;
  uint32_t pid_ns = 0;
  uint32_t net_ns = 0;
  uint32_t user_ns = 0;
  std::string user_name;   // "<NA>" when unknown, as all four
  std::string user_home;
  std::string user_shell;
  std::string group_name;
  std::string login_name;

  // Container.
  uint64_t cgroup_id = 0;
  std::string cgroup_path;
  std::string container_id;       // first 12 hex digits; "host" outside containers
  std::string container_full_id;  // 64 hex digits; empty outside

  uint32_t refs = 0;  // children and sessions that point here: owned by the process table
};

}  // namespace vakt

#endif  // VAKT_COMMON_EVENT_PROCESS_H_
