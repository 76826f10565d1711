// SPDX-License-Identifier: Apache-2.0
// The event model: what decode produces, enrich completes, and match, alert and recording read.
//
// Ownership: an Event owns nothing. Its string views point into the record it was decoded from (or
// the recording's message) and are valid until the next batch; `process` points into the process
// table and is valid until the next event. Threads: pipeline thread only.
#ifndef VAKT_COMMON_EVENT_EVENT_H_
#define VAKT_COMMON_EVENT_EVENT_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/types/span.h"
#include "common/event/endpoint.h"
#include "common/event/flow.h"
#include "common/event/kind.h"
#include "common/event/payload.h"

namespace vakt {

struct NodeFacts;  // common/event/node_facts.h
struct Process;    // common/event/process.h

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
  std::string_view comm;          // of the thread
  std::string_view process_comm;  // of the main thread; empty in recordings that do not have it
  // Of this run of the agent, so not recorded: how many programs were started up to this one, and
  // what the prefilter knows the process's state by (0: nothing).
  uint32_t exec_id = 0;
  uint64_t fingerprint = 0;
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
  kClaimed = 4,   // made from the raw argument: there was no kernel object
  kDeleted = 5,   // of an object that has lost this name
  kAnchored = 6,  // the kernel's directory; the last component is the raw argument
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
  // From the mount namespace's root; empty when that is the task's root.
  std::string_view outer_path;
};

struct ProcessFork {
  Task child;
  ProcessFacts facts;
  uint64_t clone_flags = 0;  // CLONE_*
};

struct ProcessExec {  // also process_seed
  File exe;
  std::string_view filename;
  std::string_view interpreter;  // of a script: what its first line names; empty for a binary
  std::string_view argv;         // NUL-separated and NUL-terminated strings
  std::string_view env;          // likewise; empty when no rule asks for it
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
  bool created = false;          // the open made the file
  bool name_unreadable = false;  // the argument's memory was gone at the call's end
};

// Changes of names, attributes and mounts; what a call does not have is empty or 0.
struct FileChange {
  File file;                    // mode 0: the path is a claim; else the object behind `fd`
  std::string_view name_raw;    // argument of file.path
  std::string_view other_path;  // of two: the new name, or what is mounted
  std::string_view other_raw;
  std::string_view text;  // a link's target, an attribute's name, a file system type
  PathStatus other_status = PathStatus::kUnknown;
  bool name_unreadable = false;
  int32_t fd = -1;
  int32_t dirfd = 0;
  int32_t other_dirfd = 0;
  uint32_t flags = 0;
  uint32_t mode = 0;
  uint32_t uid = 0;
  uint32_t gid = 0;
  uint64_t number = 0;  // a size or a device
};

inline constexpr size_t kCallArgs = 6;
using CallArgs = std::array<uint64_t, kCallArgs>;

// A system call that is reported for itself.
struct Call {
  CallArgs args{};        // as passed; a pointer to a structure gives way to what matters in it
  std::string_view text;  // a string argument, or the name that the kernel has
  File file;  // behind the descriptor that the call is about; of process_exec_failed: the
              // path that it was asked to start, claimed
};

// What one process does to another.
struct ProcessAct {
  Task target;      // pid 0: not known
  CallArgs args{};  // process_signal: the signal; process_cgroup: whether the whole process moved
  std::string_view text;  // process_rename: the new name; process_cgroup: the new cgroup's path
  // Set by enrich; null when the target is not known.
  const Process* process = nullptr;
};

struct Credentials {
  uint64_t cap_effective = 0;
  uint64_t cap_permitted = 0;
  uint64_t cap_inheritable = 0;
  uint64_t cap_bounding = 0;
  uint64_t cap_ambient = 0;
  uint32_t uid = 0;
  uint32_t gid = 0;
  uint32_t euid = 0;
  uint32_t egid = 0;
  uint32_t suid = 0;
  uint32_t sgid = 0;
  uint32_t fsuid = 0;
  uint32_t fsgid = 0;
};

struct CredentialChange {  // process_credentials
  CallArgs args{};
  Credentials after;
  // Set by enrich: what the process had when it was last seen, and the names of the ids that the
  // call asks for.
  bool before_known = false;
  uint32_t uid_before = 0;
  uint32_t euid_before = 0;
  uint32_t gid_before = 0;
  uint32_t egid_before = 0;
  uint64_t cap_effective_before = 0;
  std::array<std::string_view, 3> asked_names{};
};

struct Network {  // the kinds of the family that the kernel reports
  Endpoint local;
  Endpoint remote;
  bool ipv6 = false;
  bool v4_mapped = false;
  Transport transport = Transport::kUnknown;
  int32_t fd = -1;
  uint16_t family = 0;  // AF_*; endpoints are those of AF_INET and AF_INET6
  uint16_t type = 0;    // SOCK_STREAM...; 0 when unknown
  uint16_t protocol = 0;
  int32_t argument = 0;   // listen: backlog. dup: the old descriptor. socket: SOCK_NONBLOCK...
  std::string_view path;  // of a unix socket; abstract names begin with '@'
  PathStatus path_status = PathStatus::kUnknown;
};

// A place in a program: an offset in an ELF file with this build id, or an address.
struct StackFrame {
  static constexpr size_t kBuildIdBytes = 20;
  std::array<uint8_t, kBuildIdBytes> build_id{};
  bool has_build_id = false;
  uint64_t offset = 0;
};

enum class CallOrigin : uint8_t { kUnknown = 0, kFile = 1, kAnonymous = 2 };

// Where in its program a process made the system call: kinds of kStackKinds alone.
struct UserStack {
  static constexpr size_t kMaxFrames = 16;
  bool captured = false;  // else nothing of this is set
  CallOrigin origin = CallOrigin::kUnknown;
  bool truncated = false;  // there were more frames
  uint8_t frame_count = 0;
  uint32_t origin_dev = 0;
  uint64_t origin_ino = 0;
  std::string_view origin_name;                 // last component of the file's path
  std::array<StackFrame, kMaxFrames> frames{};  // innermost first

  absl::Span<const StackFrame> Frames() const { return {frames.data(), frame_count}; }
};

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
  // The one of PayloadOf(kind) is set; the others are default.
  ProcessFork process_fork;
  ProcessExec process_exec;  // process_exec, process_seed
  ProcessExit process_exit;
  Call call;
  ProcessAct process_act;
  CredentialChange process_credentials;
  FileOpen file_open;
  FileChange file_change;  // the other kinds of the family
  Network network;         // the kinds of the family that the kernel reports
  FlowReport flow;
  DnsReport dns;
  UserStack user_stack;
};

// Makes `*event` as new: its head, its stack and the payload of its kind, which are all that can be
// set. An event that is used again and again is emptied this way: writing every payload of every
// kind would cost more than decoding an open.
void Reset(Event* event);

}  // namespace vakt

#endif  // VAKT_COMMON_EVENT_EVENT_H_
