// SPDX-License-Identifier: Apache-2.0
// Events about processes, for tests: a process is named by its pid, and its cookie follows from it.
#ifndef VAKT_TESTS_UNIT_AGENT_ENRICH_PROCESS_EVENTS_H_
#define VAKT_TESTS_UNIT_AGENT_ENRICH_PROCESS_EVENTS_H_

#include <cstdint>
#include <string_view>

#include "bpf/wire/wire.h"
#include "common/event/event.h"

namespace vakt {

inline constexpr uint64_t kSecondNs = 1'000'000'000;

// All processes here started at the second of their pid unless said otherwise.
inline uint64_t StartOf(uint32_t pid) { return pid * kSecondNs; }
inline uint64_t CookieOf(uint32_t pid) { return vakt_cookie(StartOf(pid), pid); }

inline Task TaskOf(uint32_t pid, uint32_t ppid, std::string_view comm) {
  Task task;
  task.cookie = CookieOf(pid);
  task.parent_cookie = ppid == 0 ? 0 : CookieOf(ppid);
  task.pid = task.tid = pid;
  task.ppid = ppid;
  task.cgroup_id = 100;
  task.comm = comm;
  return task;
}

inline Event EventOf(Kind kind, const Task& task, uint64_t boot_ns) {
  Event event;
  event.kind = kind;
  event.task = task;
  event.boot_ns = boot_ns;
  return event;
}

inline ProcessFacts FactsOf(uint32_t pid, uint32_t session_id) {
  ProcessFacts facts;
  facts.start_boot_ns = StartOf(pid);
  facts.ns_pid = pid;
  facts.session_id = facts.ns_session_id = session_id;
  facts.pgid = facts.ns_pgid = session_id;
  return facts;
}

inline Event SeedOf(const Task& task, std::string_view exe, uint64_t boot_ns) {
  Event event = EventOf(Kind::process_seed, task, boot_ns);
  event.process_exec.exe.path = exe;
  event.process_exec.cwd = "/";
  event.process_exec.facts = FactsOf(task.pid, task.pid);
  return event;
}

inline Event ForkOf(const Task& parent, uint32_t child_pid, uint64_t boot_ns) {
  Event event = EventOf(Kind::process_fork, parent, boot_ns);
  event.process_fork.child = TaskOf(child_pid, parent.pid, parent.comm);
  event.process_fork.child.cgroup_id = parent.cgroup_id;
  event.process_fork.child.euid = parent.euid;
  event.process_fork.facts = FactsOf(child_pid, parent.pid);
  return event;
}

inline Event ExecOf(const Task& task, std::string_view exe, std::string_view argv,
                    uint64_t boot_ns) {
  Event event = EventOf(Kind::process_exec, task, boot_ns);
  event.process_exec.exe.path = exe;
  event.process_exec.argv = argv;
  event.process_exec.cwd = "/home/eve";
  event.process_exec.facts = FactsOf(task.pid, task.ppid);
  return event;
}

}  // namespace vakt

#endif  // VAKT_TESTS_UNIT_AGENT_ENRICH_PROCESS_EVENTS_H_
