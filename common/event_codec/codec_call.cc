// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "common/event_codec/codec_parts.h"

namespace vakt {
namespace {

template <typename Message>
void ArgsToProto(const CallArgs& args, Message* out) {
  out->mutable_args()->Add(args.begin(), args.end());
}

template <typename Message>
bool ArgsFromProto(const Message& in, CallArgs* args) {
  if (in.args_size() > static_cast<int>(kCallArgs)) return false;
  std::copy(in.args().begin(), in.args().end(), args->begin());
  return true;
}

void CallToProto(const Call& call, v1::SystemCall* out) {
  ArgsToProto(call.args, out);
  Set(call.text, out->mutable_text());
  FileToProto(call.file, out->mutable_file());
}

bool CallFromProto(const v1::SystemCall& in, Call* out) {
  out->text = in.text();
  out->file = FileFromProto(in.file());
  return ArgsFromProto(in, &out->args);
}

void ActToProto(const ProcessAct& act, v1::ProcessAct* out) {
  TaskToProto(act.target, out->mutable_target());
  ArgsToProto(act.args, out);
  Set(act.text, out->mutable_text());
}

bool ActFromProto(const v1::ProcessAct& in, ProcessAct* out) {
  out->target = TaskFromProto(in.target());
  out->text = in.text();
  return ArgsFromProto(in, &out->args);
}

}  // namespace

void ToProto_process_credentials(const Event& event, v1::CredentialChange* out) {
  ArgsToProto(event.process_credentials.args, out);
  const Credentials& after = event.process_credentials.after;
  v1::Credentials& message = *out->mutable_after();
  message.set_cap_effective(after.cap_effective);
  message.set_cap_permitted(after.cap_permitted);
  message.set_cap_inheritable(after.cap_inheritable);
  message.set_cap_bounding(after.cap_bounding);
  message.set_cap_ambient(after.cap_ambient);
  message.set_uid(after.uid);
  message.set_gid(after.gid);
  message.set_euid(after.euid);
  message.set_egid(after.egid);
  message.set_suid(after.suid);
  message.set_sgid(after.sgid);
  message.set_fsuid(after.fsuid);
  message.set_fsgid(after.fsgid);
}

bool FromProto_process_credentials(const v1::CredentialChange& in, std::string*, Event* out) {
  const v1::Credentials& message = in.after();
  out->process_credentials.after = {
      .cap_effective = message.cap_effective(),
      .cap_permitted = message.cap_permitted(),
      .cap_inheritable = message.cap_inheritable(),
      .cap_bounding = message.cap_bounding(),
      .cap_ambient = message.cap_ambient(),
      .uid = message.uid(),
      .gid = message.gid(),
      .euid = message.euid(),
      .egid = message.egid(),
      .suid = message.suid(),
      .sgid = message.sgid(),
      .fsuid = message.fsuid(),
      .fsgid = message.fsgid(),
  };
  return ArgsFromProto(in, &out->process_credentials.args);
}

// Kinds of one shape each; named as in bpf/wire/events.def.
#define VAKT_CALL(stem)                                                                          \
  void ToProto_##stem(const Event& event, v1::SystemCall* out) { CallToProto(event.call, out); } \
  bool FromProto_##stem(const v1::SystemCall& in, std::string*, Event* out) {                    \
    return CallFromProto(in, &out->call);                                                        \
  }
VAKT_CALL(process_exec_failed)
VAKT_CALL(process_session)
VAKT_CALL(process_prctl)
VAKT_CALL(process_namespace)
VAKT_CALL(process_seccomp)
VAKT_CALL(process_personality)
VAKT_CALL(memory_file)
VAKT_CALL(memory_protect)
VAKT_CALL(kernel_module)
VAKT_CALL(kernel_bpf)
VAKT_CALL(kernel_kexec)
VAKT_CALL(kernel_perf)
VAKT_CALL(kernel_key)
VAKT_CALL(kernel_io_uring)
VAKT_CALL(kernel_userfaultfd)
VAKT_CALL(kernel_time)
VAKT_CALL(kernel_swap)
VAKT_CALL(kernel_reboot)
#undef VAKT_CALL

#define VAKT_ACT(stem)                                                        \
  void ToProto_##stem(const Event& event, v1::ProcessAct* out) {              \
    ActToProto(event.process_act, out);                                       \
  }                                                                           \
  bool FromProto_##stem(const v1::ProcessAct& in, std::string*, Event* out) { \
    return ActFromProto(in, &out->process_act);                               \
  }
VAKT_ACT(process_rename)
VAKT_ACT(process_ptrace)
VAKT_ACT(process_vm)
VAKT_ACT(process_signal)
VAKT_ACT(process_cgroup)
VAKT_ACT(process_descriptor)
VAKT_ACT(process_limit)
#undef VAKT_ACT

}  // namespace vakt
