// SPDX-License-Identifier: Apache-2.0
// The event model: what decode produces, enrich completes, and match, alert and recording read.
//
// Ownership: an Event owns nothing. Its string views point into the record it was decoded from (or
// the recording's message) and are valid until the next batch; `process` points into the process
// table and is valid until the next event. Threads: pipeline thread only.
#ifndef VAKT_COMMON_EVENT_EVENT_H_
#define VAKT_COMMON_EVENT_EVENT_H_

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/event/kind.h"

namespace vakt {

enum class Abi : uint8_t { kUnknown = 0, kX86_64 = 1, kI386 = 2, kX32 = 3, kIoUring = 4 };

// Identity of the acting thread at the moment of the event (wire: struct vakt_task).
struct Task {
  uint64_t cookie = 0;
  uint64_t parent_cookie = 0;
  uint64_t cgroup_id = 0;
  uint64_t cap_effective = 0;
  uint32_t pid = 0;
  uint32_t tid = 0;
  uint32_t ppid = 0;
  uint32_t uid = 0;
  uint32_t gid = 0;
  uint32_t euid = 0;
  uint32_t egid = 0;
  uint32_t mnt_ns = 0;
  uint32_t pid_ns = 0;
  uint32_t net_ns = 0;
  uint32_t user_ns = 0;
  bool kernel_thread = false;
  std::string_view comm;
};

struct ProcessFacts {
  uint64_t start_boot_ns = 0;
  uint64_t cap_permitted = 0;
  uint64_t cap_inheritable = 0;
  uint32_t ns_pid = 0;
  uint32_t pgid = 0;
  uint32_t ns_pgid = 0;
  uint32_t session_id = 0;
  uint32_t ns_session_id = 0;
  uint32_t login_uid = 0xffffffff;
  uint32_t tty = 0;
  std::string_view cgroup_path;
};

enum class PathStatus : uint8_t {
  kUnknown = 0,
  kOk = 1,
  kTruncated = 2,
  kUnreachable = 3,
  kClaimed = 4,  // made from the raw argument: there was no kernel object
};

struct File {
  std::string_view path;  // absolute, relative to the task's root
  uint64_t ino = 0;
  int64_t ctime_ns = 0;
  int64_t mtime_ns = 0;
  uint32_t dev = 0;
  uint32_t nlink = 0;
  uint32_t mode = 0;  // 0: no file
  uint32_t uid = 0;
  PathStatus path_status = PathStatus::kUnknown;
};

struct ProcessFork {
  Task child;
  ProcessFacts facts;
};

struct ProcessExec {  // also process_seed
  File exe;
  std::string_view filename;
  std::string_view argv;  // NUL-separated and NUL-terminated strings
  std::string_view cwd;
  bool argv_truncated = false;
  bool exe_upper_layer = false;
  bool exe_memfd = false;
  bool exe_unlinked = false;
  bool exe_writable = false;
  ProcessFacts facts;
};

struct ProcessExit {
  int32_t exit_code = 0;
  int32_t signal = 0;
  bool core_dumped = false;
};

struct FileOpen {
  File file;
  std::string_view name_raw;
  uint32_t flags = 0;
  uint32_t create_mode = 0;
  int32_t dirfd = 0;
  int32_t fd = -1;
  uint64_t resolve = 0;
};

enum class Transport : uint8_t { kUnknown = 0, kTcp = 1, kUdp = 2 };

struct Endpoint {
  std::array<uint8_t, 16> address{};  // IPv4: the first 4 bytes
  uint16_t port = 0;                  // host order
};

struct Network {  // network_connect and network_accept
  Endpoint local;
  Endpoint remote;
  bool ipv6 = false;
  bool v4_mapped = false;
  Transport transport = Transport::kUnknown;
  int32_t fd = -1;
};

struct NodeFacts;  // common/event/node_facts.h
struct Process;    // common/event/process.h

// What every event has.
struct EventHead {
  Kind kind = Kind::none;
  EventTypeId type = kNoEventType;
  Abi abi = Abi::kUnknown;
  Lane lane = Lane::CRITICAL;
  uint32_t cpu = 0;
  uint64_t seq = 0;  // per (cpu, lane)
  uint64_t num = 0;  // evt.num: from 1, given by the pipeline in the order of evaluation
  uint64_t boot_ns = 0;
  int64_t wall_ns = 0;  // CLOCK_REALTIME, from boot_ns and the node's offset
  int64_t result = 0;   // >= 0, or -errno
  Task task;

  // Set by enrich: the acting process as it is after the event (for an exec: the new program; for
  // a fork: the parent). Never null after enrich.
  const Process* process = nullptr;
  // Set by the pipeline: the node it runs on; outlives the event. Null only in tests.
  const NodeFacts* node = nullptr;
};

struct Event : EventHead {
  // The one that `kind` names is set; the others are default.
  ProcessFork process_fork;
  ProcessExec process_exec;  // process_exec, process_seed
  ProcessExit process_exit;
  FileOpen file_open;
  Network network;  // network_connect, network_accept
};

// Makes `*event` as new: its head and the payload of its kind, which are all that can be set. An
// event that is used again and again is emptied this way: writing every payload of every kind would
// cost more than decoding an open.
void Reset(Event* event);

}  // namespace vakt

#endif  // VAKT_COMMON_EVENT_EVENT_H_
