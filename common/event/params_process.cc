// SPDX-License-Identifier: Apache-2.0
// Parameters of calls that make, change and end processes.
#include <algorithm>
#include <cstdint>
#include <iterator>
#include <string>

#include "common/base/strings.h"
#include "common/event/account.h"
#include "common/event/call_names.h"
#include "common/event/params.h"

namespace vakt {
namespace {

// A property of the acting process; unknown while the process is.
template <ProcessProperty property>
ParamValue OfProcess(const Event& event, Extractor& out) {
  if (event.process == nullptr) return {};
  const Value value = property(*event.process);
  switch (value.tag) {
    case Value::Tag::kInt:
      return Signed(value.int_value, out);
    case Value::Tag::kUint:
      return Unsigned(value.uint_value, out);
    case Value::Tag::kString:
      return Text(value.string);
    default:
      return {};
  }
}

// ---- execve, execveat, clone

// As Falco prints a byte buffer: each terminating or unprintable byte is a dot.
ParamValue Args(const Event& event, Extractor& out) {
  if (event.process == nullptr) return {};
  std::string text;
  for (size_t i = 1; i < event.process->argv.size(); ++i) {
    text.append(event.process->argv[i]).push_back('\0');
  }
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c < 0x20 || c > 0x7e; }, '.');
  return {Value::String(event.process->args), out.Keep(std::move(text)), {}};
}

ParamValue Tid(const Event& event, Extractor& out) {
  return Signed(event.task.tid, out, event.task.comm);
}
ParamValue Pid(const Event& event, Extractor& out) {
  return Signed(event.task.pid, out, event.task.comm);
}
ParamValue Ptid(const Event& event, Extractor& out) {
  const Process* parent = Parent(event);
  return Signed(event.task.ppid, out, parent == nullptr ? std::string_view() : parent->comm);
}
ParamValue Comm(const Event& event, Extractor&) { return Text(event.task.comm); }
ParamValue CapEffective(const Event& event, Extractor& out) {
  return Unsigned(event.task.cap_effective, out);
}
ParamValue CapPermitted(const Event& event, Extractor& out) {
  return event.process == nullptr ? ParamValue() : Unsigned(event.process->cap_permitted, out);
}
ParamValue CapInheritable(const Event& event, Extractor& out) {
  return event.process == nullptr ? ParamValue() : Unsigned(event.process->cap_inheritable, out);
}

std::string_view NameOrUnknown(std::string_view name) {
  return name.empty() ? std::string_view("<NA>") : name;
}

ParamValue Uid(const Event& event, Extractor& out) {
  if (event.process == nullptr) return {};
  return Unsigned(event.task.euid, out, UserOf(*event.process).name);
}
ParamValue Gid(const Event& event, Extractor& out) {
  if (event.process == nullptr) return {};
  return Unsigned(event.task.egid, out, GroupNameOf(*event.process));
}
ParamValue LoginUid(const Event& event, Extractor& out) {
  if (event.process == nullptr) return {};
  const uint32_t uid = event.process->login_uid;
  if (uid == 0xffffffff) return Signed(-1, out, "<NONE>");
  return Signed(uid, out, NameOrUnknown(event.process->login_name));
}

ParamValue ExeFlags(const Event& event, Extractor& out) {
  const ProcessExec& exec = event.process_exec;
  const struct {
    bool set;
    std::string_view name;
  } flags[] = {{exec.exe_writable, "EXE_WRITABLE"},
               {exec.exe_upper_layer, "EXE_UPPER_LAYER"},
               {exec.exe_memfd, "EXE_FROM_MEMFD"}};
  uint64_t bits = 0;
  std::string names;
  for (size_t i = 0; i < std::size(flags); ++i) {
    if (!flags[i].set) continue;
    bits |= uint64_t{1} << i;
    if (!names.empty()) names += '|';
    names += flags[i].name;
  }
  return Unsigned(bits, out, out.Keep(std::move(names)));
}

ParamValue Filename(const Event& event, Extractor& out) {
  if (event.kind == Kind::process_exec_failed) return Text(event.call.text, event.call.file.path);
  const std::string_view raw = event.process_exec.filename;
  if (raw.empty() || raw.starts_with('/') || event.process == nullptr) return Text(raw);
  const std::string_view below = raw.starts_with("./") ? raw.substr(2) : raw;
  return Text(raw, out.Keep(StrCat(event.process->cwd.view(), below)));
}

ParamValue CloneFlagsParam(const Event& event, Extractor& out) {
  const uint64_t flags = event.process_fork.clone_flags;
  return Unsigned(flags, out, out.Keep(FlagNamesOf(flags, CloneFlags())));
}

// ---- procexit

ParamValue ExitStatus(const Event& event, Extractor& out) {
  const ProcessExit& exit = event.process_exit;
  return Signed(exit.exit_code << 8 | (exit.core_dumped ? 0x80 : 0) | exit.signal, out);
}
ParamValue ExitCode(const Event& event, Extractor& out) {
  return Signed(event.process_exit.exit_code, out);
}
ParamValue ExitSignal(const Event& event, Extractor& out) {
  return Signed(event.process_exit.signal, out);
}
ParamValue ExitCore(const Event& event, Extractor& out) {
  return Unsigned(event.process_exit.core_dumped ? 1 : 0, out);
}

// ---- the tables

constexpr ParamRow kExecve[] = {
    {"res", ResParam},
    {"exe", OfProcess<ProcExe>},
    {"args", Args},
    {"tid", Tid},
    {"pid", Pid},
    {"ptid", Ptid},
    {"cwd", OfProcess<ProcCwd>},
    {"fdlimit", UnknownParam},
    {"pgft_maj", UnknownParam},
    {"pgft_min", UnknownParam},
    {"vm_size", UnknownParam},
    {"vm_rss", UnknownParam},
    {"vm_swap", UnknownParam},
    {"comm", Comm},
    {"cgroups", OfProcess<ThreadCgroups>},
    {"env", UnknownParam},
    {"tty", OfProcess<ProcTty>},
    {"vpgid", OfProcess<ProcVpgid>},
    {"loginuid", LoginUid},
    {"flags", ExeFlags},
    {"cap_inheritable", CapInheritable},
    {"cap_permitted", CapPermitted},
    {"cap_effective", CapEffective},
    {"exe_ino", OfProcess<ProcExeIno>},
    {"exe_ino_ctime", OfProcess<ProcExeInoCtime>},
    {"exe_ino_mtime", OfProcess<ProcExeInoMtime>},
    {"uid", Uid},
    {"trusted_exepath", OfProcess<ProcExepath>},
    {"pgid", OfProcess<ProcPgid>},
    {"gid", Gid},
    {"filename", Filename},  // not of execveat, which comes without it
};
constexpr size_t kExecveatCount = std::size(kExecve) - 1;

constexpr ParamRow kClone[] = {
    {"res", ResParam},
    {"exe", OfProcess<ProcExe>},
    {"args", Args},
    {"tid", Tid},
    {"pid", Pid},
    {"ptid", Ptid},
    {"cwd", OfProcess<ProcCwd>},
    {"fdlimit", UnknownParam},
    {"pgft_maj", UnknownParam},
    {"pgft_min", UnknownParam},
    {"vm_size", UnknownParam},
    {"vm_rss", UnknownParam},
    {"vm_swap", UnknownParam},
    {"comm", Comm},
    {"cgroups", OfProcess<ThreadCgroups>},
    {"flags", CloneFlagsParam},
    {"uid", Uid},
    {"gid", Gid},
    {"vtid", OfProcess<ProcVpid>},
    {"vpid", OfProcess<ProcVpid>},
    {"pidns_init_start_ts", UnknownParam},
};

constexpr ParamRow kProcexit[] = {{"status", ExitStatus},
                                  {"ret", ExitCode},
                                  {"sig", ExitSignal},
                                  {"core", ExitCore},
                                  {"reaper_tid", UnknownParam}};

const TypeParams kTypes[] = {
    {"execve", kExecve},     {"execveat", absl::MakeConstSpan(kExecve, kExecveatCount)},
    {"clone", kClone},       {"clone3", kClone},
    {"fork", kClone},        {"vfork", kClone},
    {"procexit", kProcexit},
};

}  // namespace

absl::Span<const TypeParams> ProcessParams() { return kTypes; }

}  // namespace vakt
