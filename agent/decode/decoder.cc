// SPDX-License-Identifier: Apache-2.0
#include "agent/decode/decoder.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "agent/decode/claimed_path.h"
#include "agent/decode/wire_record.h"
#include "bpf/wire/wire.h"

namespace vakt {
namespace {

// x86-64 numbers of the calls that stand for a whole kind: the hook does not see which of its
// siblings (clone3, vfork, accept4) it was.
constexpr int kCloneNr = 56;
constexpr int kConnectNr = 42;
constexpr int kAcceptNr = 43;
constexpr int kNoSyscallNr = -1;

constexpr int kExecveNr = 59;
constexpr int kExecveatNr = 322;

EventTypeId TypeOf(Kind kind, int syscall_nr) {
  const EventTypeRow* row = FindEventType(kind, syscall_nr);
  return row == nullptr ? kNoEventType : row->id;
}

// The probe hands over the number as the caller's ABI has it: 322 in x86-64, 358 in i386, 545 with
// a bit of its own in x32. Everything else counts as execve, so that no exec goes without a type:
// the execve of the other ABIs, and the kernel's own helpers, which come with no number at all.
int ExecNr(uint32_t syscall_nr) {
  constexpr uint32_t kX32Bit = 0x40000000;
  const bool is_execveat =
      syscall_nr == kExecveatNr || syscall_nr == 358 || syscall_nr == (kX32Bit | 545);
  return is_execveat ? kExecveatNr : kExecveNr;
}

Abi DecodeAbi(uint8_t abi) {
  return abi <= VAKT_ABI_IO_URING ? static_cast<Abi>(abi) : Abi::kUnknown;
}

PathStatus DecodePathStatus(uint32_t status) {
  return status <= VAKT_PATH_UNREACHABLE ? static_cast<PathStatus>(status) : PathStatus::kUnknown;
}

Task DecodeTask(const vakt_task& wire, std::string_view comm) {
  return {
      .cookie = wire.cookie,
      .parent_cookie = wire.parent_cookie,
      .cgroup_id = wire.cgroup_id,
      .cap_effective = wire.cap_effective,
      .pid = wire.pid,
      .tid = wire.tid,
      .ppid = wire.ppid,
      .uid = wire.uid,
      .gid = wire.gid,
      .euid = wire.euid,
      .egid = wire.egid,
      .mnt_ns = wire.mnt_ns,
      .pid_ns = wire.pid_ns,
      .net_ns = wire.net_ns,
      .user_ns = wire.user_ns,
      .kernel_thread = (wire.flags & VAKT_TASK_KTHREAD) != 0,
      .comm = comm,
  };
}

ProcessFacts DecodeFacts(const vakt_process_facts& wire, WireRecord& record) {
  return {
      .start_boot_ns = wire.start_boot_ns,
      .cap_permitted = wire.cap_permitted,
      .cap_inheritable = wire.cap_inheritable,
      .ns_pid = wire.ns_pid,
      .pgid = wire.pgid,
      .ns_pgid = wire.ns_pgid,
      .session_id = wire.session_id,
      .ns_session_id = wire.ns_session_id,
      .login_uid = wire.login_uid,
      .tty = wire.tty,
      .cgroup_path = record.String(wire.cgroup_path),
  };
}

File DecodeFile(const vakt_file& wire, WireRecord& record) {
  return {
      .path = record.String(wire.path),
      .ino = wire.ino,
      .ctime_ns = wire.ctime_ns,
      .mtime_ns = wire.mtime_ns,
      .dev = wire.dev,
      .nlink = wire.nlink,
      .mode = wire.mode,
      .uid = wire.uid,
      .path_status = DecodePathStatus(wire.path_status),
  };
}

void SetExeFlags(uint32_t flags, ProcessExec* exec) {
  exec->argv_truncated = (flags & (VAKT_ARGV_TRUNCATED | VAKT_ARGV_UNREADABLE)) != 0;
  exec->exe_upper_layer = (flags & VAKT_EXE_UPPER_LAYER) != 0;
  exec->exe_memfd = (flags & VAKT_EXE_MEMFD) != 0;
  exec->exe_unlinked = (flags & VAKT_EXE_UNLINKED) != 0;
  exec->exe_writable = (flags & VAKT_EXE_WRITABLE) != 0;
}

// Copies the bytes that belong to the family only: the rest is zero by contract of the event.
Endpoint DecodeEndpoint(const uint8_t (&address)[16], uint16_t port, bool ipv6) {
  Endpoint endpoint;
  std::copy_n(address, ipv6 ? 16 : 4, endpoint.address.begin());
  endpoint.port = port;
  return endpoint;
}

Network DecodeNetwork(const vakt_network& wire, WireRecord& record) {
  const bool ipv6 = wire.family == AF_INET6;
  if (!ipv6 && wire.family != AF_INET) record.Fail(DropReason::kBadValue);
  return {
      .local = DecodeEndpoint(wire.local_addr, wire.local_port, ipv6),
      .remote = DecodeEndpoint(wire.remote_addr, wire.remote_port, ipv6),
      .ipv6 = ipv6,
      .v4_mapped = (wire.flags & VAKT_NET_V4_MAPPED) != 0,
      .transport = wire.protocol == IPPROTO_TCP   ? Transport::kTcp
                   : wire.protocol == IPPROTO_UDP ? Transport::kUdp
                                                  : Transport::kUnknown,
      .fd = wire.fd,
  };
}

}  // namespace

std::string_view DropReasonName(DropReason reason) {
  switch (reason) {
    case DropReason::kTooShort:
      return "too_short";
    case DropReason::kUnknownKind:
      return "unknown_kind";
    case DropReason::kWrongSize:
      return "wrong_size";
    case DropReason::kBadSpan:
      return "bad_span";
    case DropReason::kBadValue:
      return "bad_value";
  }
  return "unknown";
}

Decoder::Decoder(int64_t boot_to_wall_ns)
    : boot_to_wall_ns_(boot_to_wall_ns),
      clone_(TypeOf(Kind::process_fork, kCloneNr)),
      procexit_(TypeOf(Kind::process_exit, kNoSyscallNr)),
      connect_(TypeOf(Kind::network_connect, kConnectNr)),
      accept_(TypeOf(Kind::network_accept, kAcceptNr)) {
  scratch_.reserve(2 * VAKT_PATH_MAX + 1);
}

bool Decoder::Decode(absl::Span<const std::byte> bytes, Event* out) {
  vakt_header header;
  if (bytes.size() < sizeof(header)) {
    ++dropped_[static_cast<size_t>(DropReason::kTooShort)];
    return false;
  }
  std::memcpy(&header, bytes.data(), sizeof(header));

  *out = Event{};
  out->kind = FindKind(header.kind) == nullptr ? Kind::none : static_cast<Kind>(header.kind);
  out->abi = DecodeAbi(header.abi);
  out->lane = static_cast<Lane>(header.lane);
  out->cpu = header.cpu;
  out->seq = header.seq;
  out->boot_ns = header.boot_ns;
  out->wall_ns = static_cast<int64_t>(header.boot_ns + static_cast<uint64_t>(boot_to_wall_ns_));

  WireRecord record(bytes);
  if (header.lane >= VAKT_LANES) record.Fail(DropReason::kBadValue);
  Dispatch(out->kind, record, out);
  if (record.failure()) {
    ++dropped_[static_cast<size_t>(*record.failure())];
    return false;
  }
  return true;
}

void Decoder::Dispatch(Kind kind, WireRecord& record, Event* out) {
  switch (kind) {
    case Kind::none:
      return record.Fail(DropReason::kUnknownKind);
#define VAKT_EVENT(stem, id, lane, text) \
  case Kind::stem:                       \
    return Decode_##stem(record, out);
#include "bpf/wire/events.def"
#undef VAKT_EVENT
  }
}

void Decoder::Decode_process_fork(WireRecord& record, Event* out) {
  const auto wire = record.Read<vakt_process_fork>();
  out->type = clone_;
  out->task = DecodeTask(wire.task, record.Comm(offsetof(vakt_process_fork, task)));
  out->process_fork.child = DecodeTask(wire.child, record.Comm(offsetof(vakt_process_fork, child)));
  out->process_fork.facts = DecodeFacts(wire.facts, record);
  // The caller is given the child's number in its own pid namespace, which is known when the child
  // shares it.
  const bool same_namespace = wire.child.pid_ns == wire.task.pid_ns;
  out->result = same_namespace ? wire.facts.ns_pid : wire.child.pid;
}

void Decoder::Decode_process_exec(WireRecord& record, Event* out) {
  const auto wire = record.Read<vakt_process_exec>();
  out->type = TypeOf(Kind::process_exec, ExecNr(wire.syscall_nr));
  out->task = DecodeTask(wire.task, record.Comm(offsetof(vakt_process_exec, task)));
  ProcessExec& exec = out->process_exec;
  exec.exe = DecodeFile(wire.exe, record);
  exec.filename = record.String(wire.filename);
  exec.argv = record.String(wire.argv);
  exec.cwd = record.String(wire.cwd);
  exec.facts = DecodeFacts(wire.facts, record);
  SetExeFlags(wire.flags, &exec);
}

void Decoder::Decode_process_exit(WireRecord& record, Event* out) {
  const auto wire = record.Read<vakt_process_exit>();
  out->type = procexit_;
  out->task = DecodeTask(wire.task, record.Comm(offsetof(vakt_process_exit, task)));
  // As wait(2) packs it.
  out->process_exit.signal = static_cast<int32_t>(wire.exit_code & 0x7f);
  out->process_exit.core_dumped = (wire.exit_code & 0x80) != 0;
  out->process_exit.exit_code = static_cast<int32_t>(wire.exit_code >> 8 & 0xff);
}

void Decoder::Decode_process_seed(WireRecord& record, Event* out) {
  const auto wire = record.Read<vakt_process_seed>();
  out->task = DecodeTask(wire.task, record.Comm(offsetof(vakt_process_seed, task)));
  ProcessExec& exec = out->process_exec;
  exec.exe = DecodeFile(wire.exe, record);
  exec.cwd = record.String(wire.cwd);
  exec.facts = DecodeFacts(wire.facts, record);
  SetExeFlags(wire.flags, &exec);
}

void Decoder::Decode_file_open(WireRecord& record, Event* out) {
  const auto wire = record.Read<vakt_file_open>();
  out->type = TypeOf(Kind::file_open, static_cast<int>(wire.syscall_nr));
  out->result = wire.result;
  out->task = DecodeTask(wire.task, record.Comm(offsetof(vakt_file_open, task)));
  FileOpen& open = out->file_open;
  open.file = DecodeFile(wire.file, record);
  open.name_raw = record.String(wire.name_raw);
  open.flags = wire.flags;
  open.create_mode = wire.create_mode;
  open.dirfd = wire.dirfd;
  open.fd = wire.result >= 0 ? wire.result : -1;
  open.resolve = wire.resolve;
  // Failed, or closed by another thread before the probe could look: there is the argument alone,
  // and for a failed open the directory that it started from.
  if (wire.result < 0 || open.file.path.empty()) {
    open.file.path = ClaimedPath(open.file.path, open.name_raw, &scratch_);
    open.file.path_status = PathStatus::kClaimed;
  }
}

void Decoder::Decode_network_connect(WireRecord& record, Event* out) {
  const auto wire = record.Read<vakt_network>();
  out->type = connect_;
  out->result = wire.result;
  out->task = DecodeTask(wire.task, record.Comm(offsetof(vakt_network, task)));
  out->network = DecodeNetwork(wire, record);
}

void Decoder::Decode_network_accept(WireRecord& record, Event* out) {
  const auto wire = record.Read<vakt_network>();
  out->type = accept_;
  out->task = DecodeTask(wire.task, record.Comm(offsetof(vakt_network, task)));
  out->network = DecodeNetwork(wire, record);
  // accept(2) returns the descriptor.
  out->result = wire.result < 0 ? wire.result : std::max(wire.fd, 0);
}

}  // namespace vakt
