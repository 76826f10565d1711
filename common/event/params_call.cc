// SPDX-License-Identifier: Apache-2.0
// Parameters of system calls that are reported for themselves, of acts on other processes, and of
// changes of credentials.
#include <cstdint>
#include <string>

#include "absl/strings/str_format.h"
#include "common/base/strings.h"
#include "common/event/call_names.h"
#include "common/event/event_names.h"
#include "common/event/params.h"

namespace vakt {
namespace {

const CallArgs& ArgsOf(const Event& event) {
  const Payload payload = PayloadOf(event.kind);
  return payload == Payload::kAct           ? event.process_act.args
         : payload == Payload::kCredentials ? event.process_credentials.args
                                            : event.call.args;
}

// ---- arguments by number, from 0

template <size_t n>
ParamValue Number(const Event& event, Extractor& out) {
  return Unsigned(ArgsOf(event)[n], out);
}
template <size_t n>
ParamValue Int(const Event& event, Extractor& out) {
  return Signed(static_cast<int32_t>(ArgsOf(event)[n]), out);
}
template <size_t n>
ParamValue Address(const Event& event, Extractor& out) {
  const uint64_t address = ArgsOf(event)[n];
  return {Value::Uint(address), out.Keep(absl::StrFormat("%X", address)), {}};
}
template <size_t n, NumberNames names()>
ParamValue Named(const Event& event, Extractor& out) {
  const uint64_t value = static_cast<uint32_t>(ArgsOf(event)[n]);
  return Unsigned(value, out, NameOf(value, names()));
}
template <size_t n, NumberNames names()>
ParamValue Flags(const Event& event, Extractor& out) {
  const uint64_t value = ArgsOf(event)[n];
  return Unsigned(value, out, out.Keep(FlagNamesOf(value, names())));
}
// A pid argument, with the name of the process that it is.
template <size_t n>
ParamValue PidOf(const Event& event, Extractor& out) {
  return Signed(static_cast<int32_t>(ArgsOf(event)[n]), out, event.process_act.target.comm);
}
template <size_t n>
ParamValue Id(const Event& event, Extractor& out) {
  const auto id = static_cast<uint32_t>(ArgsOf(event)[n]);
  if (id == 0xffffffff) return Signed(-1, out, "<NONE>");
  const std::string_view name = event.process_credentials.asked_names[n];
  return Unsigned(id, out, name.empty() ? std::string_view("<NA>") : name);
}

ParamValue CallText(const Event& event, Extractor&) { return Text(event.call.text); }

ParamValue ResultFd(const Event& event, Extractor& out) { return Error(event.result, out); }

// A descriptor argument, with the file behind it.
template <size_t n>
ParamValue FileFd(const Event& event, Extractor& out) {
  const std::string_view path = event.call.file.path;
  const auto fd = static_cast<int32_t>(ArgsOf(event)[n]);
  return Signed(fd, out, path.empty() ? path : out.Keep(StrCat("<f>", path)));
}

// ---- what is peculiar to one call

ParamValue PrctlText(const Event& event, Extractor& out) {
  if (!event.call.text.empty()) return Text(event.call.text);
  return Text(out.Keep(StrCat(event.call.args[1])));
}
ParamValue PrctlNumber(const Event& event, Extractor& out) {
  if (!event.call.text.empty()) return Signed(0, out);
  return Signed(static_cast<int64_t>(event.call.args[1]), out);
}

// Only these commands tell of a type.
constexpr uint64_t kBpfProgLoad = 5;
ParamValue BpfProgramType(const Event& event, Extractor& out) {
  return event.call.args[0] == kBpfProgLoad ? Named<3, BpfProgramTypes>(event, out) : ParamValue();
}
ParamValue BpfName(const Event& event, Extractor&) {
  return event.call.text.empty() ? ParamValue() : Text(event.call.text);
}

ParamValue CapInheritable(const Event& event, Extractor& out) {
  return Unsigned(event.process_credentials.after.cap_inheritable, out);
}
ParamValue CapPermitted(const Event& event, Extractor& out) {
  return Unsigned(event.process_credentials.after.cap_permitted, out);
}
ParamValue CapEffective(const Event& event, Extractor& out) {
  return Unsigned(event.process_credentials.after.cap_effective, out);
}

ParamValue Signal(const Event& event, Extractor& out) { return Named<0, SignalNames>(event, out); }
ParamValue SenderPid(const Event& event, Extractor& out) {
  return Signed(event.task.pid, out, event.task.comm);
}
ParamValue TargetPid(const Event& event, Extractor& out) {
  const Task& target = event.process_act.target;
  return Signed(target.pid, out, target.comm);
}
ParamValue TargetTid(const Event& event, Extractor& out) {
  return Signed(event.process_act.target.tid, out);
}
ParamValue ActText(const Event& event, Extractor&) { return Text(event.process_act.text); }

// ---- the tables

constexpr ParamRow kPtrace[] = {{"res", ResParam},
                                {"addr", Address<2>},
                                {"data", Address<3>},
                                {"request", Named<0, PtraceRequests>},
                                {"pid", PidOf<1>}};
constexpr ParamRow kProcessVm[] = {{"res", ResParam}, {"pid", PidOf<0>}, {"data", UnknownParam}};
constexpr ParamRow kPidfdGetfd[] = {
    {"fd", ResultFd}, {"pid_fd", Int<0>}, {"target_fd", Int<1>}, {"flags", Number<2>}};
constexpr ParamRow kPrlimit[] = {{"res", ResParam},
                                 {"newcur", Number<2>},
                                 {"newmax", Number<3>},
                                 {"oldcur", UnknownParam},
                                 {"oldmax", UnknownParam},
                                 {"pid", PidOf<0>},
                                 {"resource", Named<1, ResourceNames>}};
constexpr ParamRow kKill[] = {{"res", ResParam}, {"pid", TargetPid}, {"sig", Signal}};
constexpr ParamRow kTkill[] = {{"res", ResParam}, {"tid", TargetTid}, {"sig", Signal}};
constexpr ParamRow kTgkill[] = {
    {"res", ResParam}, {"pid", TargetPid}, {"tid", TargetTid}, {"sig", Signal}};
constexpr ParamRow kSignaldeliver[] = {{"spid", SenderPid}, {"dpid", TargetPid}, {"sig", Signal}};

constexpr ParamRow kSetuid[] = {{"res", ResParam}, {"uid", Id<0>}};
constexpr ParamRow kSetgid[] = {{"res", ResParam}, {"gid", Id<0>}};
constexpr ParamRow kSetresuid[] = {
    {"res", ResParam}, {"ruid", Id<0>}, {"euid", Id<1>}, {"suid", Id<2>}};
constexpr ParamRow kSetresgid[] = {
    {"res", ResParam}, {"rgid", Id<0>}, {"egid", Id<1>}, {"sgid", Id<2>}};
constexpr ParamRow kCapset[] = {{"res", ResParam},
                                {"cap_inheritable", CapInheritable},
                                {"cap_permitted", CapPermitted},
                                {"cap_effective", CapEffective}};
constexpr ParamRow kSetsid[] = {{"res", ResParam}};
constexpr ParamRow kSetpgid[] = {{"res", ResParam}, {"pid", Int<0>}, {"pgid", Int<1>}};
constexpr ParamRow kPrctl[] = {{"res", ResParam},
                               {"option", Named<0, PrctlOptions>},
                               {"arg2_str", PrctlText},
                               {"arg2_int", PrctlNumber}};
constexpr ParamRow kUnshare[] = {{"res", ResParam}, {"flags", Flags<0, CloneFlags>}};
constexpr ParamRow kSetns[] = {
    {"res", ResParam}, {"fd", FileFd<0>}, {"nstype", Flags<1, CloneFlags>}};
constexpr ParamRow kSeccomp[] = {
    {"res", ResParam}, {"op", Named<0, SeccompOperations>}, {"flags", Flags<1, SeccompFlags>}};
constexpr ParamRow kMemfdCreate[] = {
    {"fd", ResultFd}, {"name", CallText}, {"flags", Flags<1, MemfdFlags>}};
constexpr ParamRow kMmap[] = {{"res", ResParam},
                              {"vm_size", UnknownParam},
                              {"vm_rss", UnknownParam},
                              {"vm_swap", UnknownParam},
                              {"addr", Address<0>},
                              {"length", Number<1>},
                              {"prot", Flags<2, ProtectionFlags>},
                              {"flags", Flags<3, MappingFlags>},
                              {"fd", Int<4>},
                              {"offset", Number<5>}};
constexpr ParamRow kMprotect[] = {{"res", ResParam},
                                  {"addr", Address<0>},
                                  {"length", Number<1>},
                                  {"prot", Flags<2, ProtectionFlags>}};
constexpr ParamRow kInitModule[] = {{"res", ResParam},
                                    {"img", UnknownParam},
                                    {"length", Number<1>},
                                    {"uargs", UnknownParam},
                                    {"name", CallText}};
constexpr ParamRow kFinitModule[] = {{"res", ResParam},
                                     {"fd", FileFd<0>},
                                     {"uargs", UnknownParam},
                                     {"flags", Flags<2, ModuleFlags>},
                                     {"name", CallText}};
constexpr ParamRow kDeleteModule[] = {
    {"res", ResParam}, {"name", CallText}, {"flags", Flags<1, DeleteModuleFlags>}};
// The last two are not Falco's.
constexpr ParamRow kBpf[] = {{"fd", ResultFd},
                             {"cmd", Named<0, BpfCommands>},
                             {"prog_type", BpfProgramType},
                             {"prog_name", BpfName}};
constexpr ParamRow kUserfaultfd[] = {{"res", ResParam}, {"flags", Flags<0, UserfaultfdFlags>}};
constexpr ParamRow kIoUringSetup[] = {{"res", ResParam},
                                      {"entries", Number<0>},
                                      {"sq_entries", Number<2>},
                                      {"cq_entries", Number<3>},
                                      {"flags", Number<1>},
                                      {"sq_thread_cpu", UnknownParam},
                                      {"sq_thread_idle", UnknownParam},
                                      {"features", Number<4>}};
// Falco has the calls below and none of their parameters.
constexpr ParamRow kTaskRename[] = {{"pid", TargetPid}, {"tid", TargetTid}, {"name", ActText}};
constexpr ParamRow kCgroupAttach[] = {{"pid", TargetPid}, {"tid", TargetTid}, {"path", ActText}};
constexpr ParamRow kPersonality[] = {{"res", ResParam}, {"persona", Address<0>}};
constexpr ParamRow kKeyctl[] = {{"res", ResParam}, {"cmd", Named<0, KeyctlCommands>}};
constexpr ParamRow kAddKey[] = {{"res", ResParam}, {"description", CallText}};
constexpr ParamRow kKexecFileLoad[] = {{"res", ResParam}, {"fd", FileFd<0>}, {"cmdline", CallText}};
constexpr ParamRow kPerfEventOpen[] = {
    {"fd", ResultFd}, {"type", Number<0>}, {"pid", Int<1>}, {"config", Address<5>}};
constexpr ParamRow kClockSettime[] = {{"res", ResParam}, {"clock", Int<0>}, {"seconds", Number<1>}};
constexpr ParamRow kSwapon[] = {{"res", ResParam}, {"path", CallText}};
constexpr ParamRow kReboot[] = {{"res", ResParam}, {"cmd", Address<2>}};
constexpr ParamRow kScheduling[] = {{"res", ResParam}, {"pid", PidOf<0>}};
constexpr ParamRow kSetscheduler[] = {
    {"res", ResParam}, {"pid", PidOf<0>}, {"policy", Named<1, SchedulingPolicies>}};
constexpr ParamRow kResultAlone[] = {{"res", ResParam}};

const TypeParams kTypes[] = {
    {"ptrace", kPtrace},
    {"process_vm_readv", kProcessVm},
    {"process_vm_writev", kProcessVm},
    {"pidfd_getfd", kPidfdGetfd},
    {"prlimit64", kPrlimit},
    {"sched_setscheduler", kSetscheduler},
    {"sched_setparam", kScheduling},
    {"sched_setattr", kScheduling},
    {"sched_setaffinity", kScheduling},
    {"kill", kKill},
    {"tkill", kTkill},
    {"tgkill", kTgkill},
    {"pidfd_send_signal", kKill},
    {"rt_sigqueueinfo", kKill},
    {"rt_tgsigqueueinfo", kTgkill},
    {"signaldeliver", kSignaldeliver},
    {"setuid", kSetuid},
    {"setgid", kSetgid},
    {"setreuid", absl::MakeConstSpan(kSetresuid, 3)},
    {"setregid", absl::MakeConstSpan(kSetresgid, 3)},
    {"setresuid", kSetresuid},
    {"setresgid", kSetresgid},
    {"setfsuid", kSetuid},
    {"setfsgid", kSetgid},
    {"setgroups", kResultAlone},
    {"capset", kCapset},
    {"setsid", kSetsid},
    {"setpgid", kSetpgid},
    {"prctl", kPrctl},
    {"unshare", kUnshare},
    {"setns", kSetns},
    {"seccomp", kSeccomp},
    {"personality", kPersonality},
    {"memfd_create", kMemfdCreate},
    {"memfd_secret", absl::MakeConstSpan(kMemfdCreate, 1)},
    {"mmap", kMmap},
    {"mprotect", kMprotect},
    {"pkey_mprotect", kMprotect},
    {"init_module", kInitModule},
    {"finit_module", kFinitModule},
    {"delete_module", kDeleteModule},
    {"bpf", kBpf},
    {"kexec_load", kResultAlone},
    {"kexec_file_load", kKexecFileLoad},
    {"perf_event_open", kPerfEventOpen},
    {"add_key", kAddKey},
    {"request_key", kAddKey},
    {"keyctl", kKeyctl},
    {"io_uring_setup", kIoUringSetup},
    {"userfaultfd", kUserfaultfd},
    {"settimeofday", kClockSettime},
    {"clock_settime", kClockSettime},
    {"swapon", kSwapon},
    {"swapoff", kSwapon},
    {"reboot", kReboot},
    {"task_rename", kTaskRename},
    {"cgroup_attach_task", kCgroupAttach},
};

}  // namespace

absl::Span<const TypeParams> CallParams() { return kTypes; }

}  // namespace vakt
