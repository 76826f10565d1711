// SPDX-License-Identifier: Apache-2.0
#include <cstddef>

#include "agent/decode/decode_parts.h"
#include "agent/decode/decoder.h"

namespace vakt {
namespace {

constexpr int kExecveNr = 59;
constexpr int kExecveatNr = 322;

// The probe hands over the number as the caller's ABI has it: 322 in x86-64, 358 in i386, 545 with
// a bit of its own in x32. Everything else counts as execve, so that no exec goes without a type:
// the execve of the other ABIs, and the kernel's own helpers, which come with no number at all.
int ExecNr(uint32_t syscall_nr) {
  constexpr uint32_t kX32Bit = 0x40000000;
  const bool is_execveat =
      syscall_nr == kExecveatNr || syscall_nr == 358 || syscall_nr == (kX32Bit | 545);
  return is_execveat ? kExecveatNr : kExecveNr;
}

void SetExeFlags(uint32_t flags, ProcessExec* exec) {
  exec->argv_truncated = (flags & (VAKT_ARGV_TRUNCATED | VAKT_ARGV_UNREADABLE)) != 0;
  exec->exe_upper_layer = (flags & VAKT_EXE_UPPER_LAYER) != 0;
  exec->exe_memfd = (flags & VAKT_EXE_MEMFD) != 0;
  exec->exe_unlinked = (flags & VAKT_EXE_UNLINKED) != 0;
  exec->exe_writable = (flags & VAKT_EXE_WRITABLE) != 0;
}

}  // namespace

void Decoder::Decode_process_fork(WireRecord& record, Event* out) {
  const auto wire = record.Read<vakt_process_fork>();
  const EventTypeId type = TypeOf(Kind::process_fork, static_cast<int>(wire.syscall_nr));
  out->type = type == kNoEventType ? clone_ : type;  // the kernel's own helpers make no call
  DecodeActor(wire, record, out);
  out->process_fork.child = DecodeTask(wire.child, offsetof(vakt_process_fork, child), record);
  out->process_fork.facts = DecodeFacts(wire.facts, record);
  out->process_fork.clone_flags = wire.clone_flags;
  // The caller is given the child's number in its own pid namespace, which is known when the child
  // shares it.
  const bool same_namespace = wire.child.pid_ns == wire.task.pid_ns;
  out->result = same_namespace ? wire.facts.ns_pid : wire.child.pid;
}

void Decoder::Decode_process_exec(WireRecord& record, Event* out) {
  const auto wire = record.Read<vakt_process_exec>();
  out->type = TypeOf(Kind::process_exec, ExecNr(wire.syscall_nr));
  DecodeActor(wire, record, out);
  ProcessExec& exec = out->process_exec;
  exec.exe = DecodeFile(wire.exe, record);
  exec.filename = record.String(wire.filename);
  exec.interpreter = record.String(wire.interp);
  exec.argv = record.String(wire.argv);
  exec.env = record.String(wire.env);
  exec.cwd = record.String(wire.cwd);
  exec.facts = DecodeFacts(wire.facts, record);
  SetExeFlags(wire.flags, &exec);
}

void Decoder::Decode_process_exit(WireRecord& record, Event* out) {
  const auto wire = record.Read<vakt_process_exit>();
  out->type = procexit_;
  DecodeActor(wire, record, out);
  // As wait(2) packs it.
  out->process_exit.signal = static_cast<int32_t>(wire.exit_code & 0x7f);
  out->process_exit.core_dumped = (wire.exit_code & 0x80) != 0;
  out->process_exit.exit_code = static_cast<int32_t>(wire.exit_code >> 8 & 0xff);
}

void Decoder::Decode_process_seed(WireRecord& record, Event* out) {
  const auto wire = record.Read<vakt_process_seed>();
  DecodeActor(wire, record, out);
  ProcessExec& exec = out->process_exec;
  exec.exe = DecodeFile(wire.exe, record);
  exec.cwd = record.String(wire.cwd);
  exec.facts = DecodeFacts(wire.facts, record);
  SetExeFlags(wire.flags, &exec);
}

}  // namespace vakt
