// SPDX-License-Identifier: Apache-2.0
// Kinds that have a shape in common: a system call, an act on another process, credentials.
#include <algorithm>

#include "agent/decode/claimed_path.h"
#include "agent/decode/decode_parts.h"
#include "agent/decode/decoder.h"

namespace vakt {
namespace {

CallArgs DecodeArgs(const __u64 (&args)[VAKT_CALL_ARGS]) {
  CallArgs out;
  std::copy(std::begin(args), std::end(args), out.begin());
  return out;
}

void DecodeCall(WireRecord& record, Event* out) {
  const auto wire = record.Read<vakt_call>();
  out->type = TypeOf(out->kind, static_cast<int>(wire.syscall_nr));
  out->result = wire.result;
  DecodeActor(wire, record, out);
  out->call.args = DecodeArgs(wire.args);
  out->call.text = record.String(wire.text);
  out->call.file = DecodeFile(wire.file, record);
}

void DecodeAct(WireRecord& record, Event* out) {
  const auto wire = record.Read<vakt_process_act>();
  out->type = TypeOf(out->kind, static_cast<int>(wire.syscall_nr));
  out->result = wire.result;
  DecodeActor(wire, record, out);
  ProcessAct& act = out->process_act;
  act.target = DecodeTask(wire.target, offsetof(vakt_process_act, target), record);
  act.args = DecodeArgs(wire.args);
  act.text = record.String(wire.text);
}

}  // namespace

void Decoder::Decode_process_exec_failed(WireRecord& record, Event* out) {
  DecodeCall(record, out);
  File& file = out->call.file;
  file.path = ClaimedPath(file.path, out->call.text, &scratch_);
  file.path_status = PathStatus::kClaimed;
}

void Decoder::Decode_process_credentials(WireRecord& record, Event* out) {
  const auto wire = record.Read<vakt_process_credentials>();
  out->type = TypeOf(Kind::process_credentials, static_cast<int>(wire.syscall_nr));
  out->result = wire.result;
  DecodeActor(wire, record, out);
  out->process_credentials.args = DecodeArgs(wire.args);
  const vakt_credentials& after = wire.credentials;
  out->process_credentials.after = {
      .cap_effective = after.cap_effective,
      .cap_permitted = after.cap_permitted,
      .cap_inheritable = after.cap_inheritable,
      .cap_bounding = after.cap_bounding,
      .cap_ambient = after.cap_ambient,
      .uid = after.uid,
      .gid = after.gid,
      .euid = after.euid,
      .egid = after.egid,
      .suid = after.suid,
      .sgid = after.sgid,
      .fsuid = after.fsuid,
      .fsgid = after.fsgid,
  };
}

void Decoder::Decode_process_session(WireRecord& record, Event* out) { DecodeCall(record, out); }
void Decoder::Decode_process_prctl(WireRecord& record, Event* out) { DecodeCall(record, out); }
void Decoder::Decode_process_namespace(WireRecord& record, Event* out) { DecodeCall(record, out); }
void Decoder::Decode_process_seccomp(WireRecord& record, Event* out) { DecodeCall(record, out); }
void Decoder::Decode_process_personality(WireRecord& record, Event* out) {
  DecodeCall(record, out);
}
void Decoder::Decode_memory_file(WireRecord& record, Event* out) { DecodeCall(record, out); }
void Decoder::Decode_memory_protect(WireRecord& record, Event* out) { DecodeCall(record, out); }
void Decoder::Decode_kernel_module(WireRecord& record, Event* out) { DecodeCall(record, out); }
void Decoder::Decode_kernel_bpf(WireRecord& record, Event* out) { DecodeCall(record, out); }
void Decoder::Decode_kernel_kexec(WireRecord& record, Event* out) { DecodeCall(record, out); }
void Decoder::Decode_kernel_perf(WireRecord& record, Event* out) { DecodeCall(record, out); }
void Decoder::Decode_kernel_key(WireRecord& record, Event* out) { DecodeCall(record, out); }
void Decoder::Decode_kernel_io_uring(WireRecord& record, Event* out) { DecodeCall(record, out); }
void Decoder::Decode_kernel_userfaultfd(WireRecord& record, Event* out) { DecodeCall(record, out); }
void Decoder::Decode_kernel_time(WireRecord& record, Event* out) { DecodeCall(record, out); }
void Decoder::Decode_kernel_swap(WireRecord& record, Event* out) { DecodeCall(record, out); }
void Decoder::Decode_kernel_reboot(WireRecord& record, Event* out) { DecodeCall(record, out); }

void Decoder::Decode_process_rename(WireRecord& record, Event* out) { DecodeAct(record, out); }
void Decoder::Decode_process_ptrace(WireRecord& record, Event* out) { DecodeAct(record, out); }
void Decoder::Decode_process_vm(WireRecord& record, Event* out) { DecodeAct(record, out); }
void Decoder::Decode_process_signal(WireRecord& record, Event* out) { DecodeAct(record, out); }
void Decoder::Decode_process_cgroup(WireRecord& record, Event* out) { DecodeAct(record, out); }
void Decoder::Decode_process_descriptor(WireRecord& record, Event* out) { DecodeAct(record, out); }
void Decoder::Decode_process_limit(WireRecord& record, Event* out) { DecodeAct(record, out); }

}  // namespace vakt
