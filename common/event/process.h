// SPDX-License-Identifier: Apache-2.0
// What is known of a process: built by agent/enrich, read by the field table.
//
// Ownership: the process table owns all Process objects; `parent` and `session_leader` are null
// when they are not known or have been forgotten. Strings are shared between processes that have
// them in common (a fork copies pointers). Threads: pipeline thread only.
#ifndef VAKT_COMMON_EVENT_PROCESS_H_
#define VAKT_COMMON_EVENT_PROCESS_H_

#include <cstdint>
#include <memory>
#include <string_view>

#include "common/base/shared_string.h"

namespace vakt {

struct Container;  // common/event/container.h

struct Process {
  uint64_t cookie = 0;
  // A number that no other state of any process has: it differs whenever something here, in an
  // ancestor or in the session leader may have changed. 0: nobody keeps track.
  uint64_t change = 0;
  uint64_t parent_cookie = 0;
  const Process* parent = nullptr;  // stays after its exit while children live
  const Process* session_leader = nullptr;
  uint32_t pid = 0;
  uint32_t ppid = 0;
  uint64_t start_boot_ns = 0;  // of the process (fork)
  uint64_t exec_boot_ns = 0;   // of the program; equals start_boot_ns when it never exec'ed
  bool exited = false;
  bool kernel_thread = false;
  // Task::exec_id of the program below; negative while the program is not known for certain.
  int64_t exec_id = -1;

  // Program.
  SharedString comm;         // of the main thread
  SharedString exe_path;     // as the kernel resolved it
  SharedString script;       // of a script: the path that was executed; else empty
  StringList argv;           // argv[0] is proc.exe
  std::string_view args;     // argv[1..] joined by a space, a view into argv: proc.args
  StringList env;            // NAME=VALUE, at most 4 KiB; empty when no rule asks for it
  SharedString cmdline;      // comm and args: proc.cmdline
  std::string_view exeline;  // argv joined by a space, a view into argv: proc.exeline
  SharedString cwd;          // ends with '/'
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
  uint32_t egid = 0;
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
  SharedString
      user_name;  // by the node's files (account.h, UserOf); "<NA>" when unknown, as all five
  SharedString user_home;
  SharedString user_shell;
  SharedString group_name;  // of egid
  SharedString login_name;

  // Container.
  uint64_t cgroup_id = 0;
  SharedString cgroup_path;
  SharedString container_id;                   // first 12 hex digits; "host" outside containers
  SharedString container_full_id;              // 64 hex digits; empty outside
  std::shared_ptr<const Container> container;  // null outside
};

}  // namespace vakt

#endif  // VAKT_COMMON_EVENT_PROCESS_H_
