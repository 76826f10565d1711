// SPDX-License-Identifier: Apache-2.0
#include "common/event/event_params.h"

#include <fcntl.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "common/base/strings.h"
#include "common/event/event_names.h"
#include "common/event/fields.h"

namespace vakt {
namespace {

using Param = ParamValue(const Event& event, Extractor& out);

ParamValue Signed(int64_t number, Extractor& out, std::string_view resolved = {}) {
  return {Value::Int(number), out.Keep(StrCat(number)), resolved};
}

ParamValue Unsigned(uint64_t number, Extractor& out, std::string_view resolved = {}) {
  return {Value::Uint(number), out.Keep(StrCat(number)), resolved};
}

ParamValue Text(std::string_view text, std::string_view resolved = {}) {
  return {Value::String(text), text, resolved};
}

ParamValue Error(int64_t result, Extractor& out) {
  return Signed(result, out, result < 0 ? ErrnoName(-result) : std::string_view());
}

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

ParamValue Unknown(const Event&, Extractor&) { return {}; }

ParamValue Res(const Event& event, Extractor& out) { return Error(event.result, out); }

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
  return Unsigned(event.task.euid, out, NameOrUnknown(event.process->user_name));
}
ParamValue Gid(const Event& event, Extractor& out) {
  if (event.process == nullptr) return {};
  return Unsigned(event.task.egid, out, NameOrUnknown(event.process->group_name));
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
  const std::string_view raw = event.process_exec.filename;
  if (raw.empty() || raw.starts_with('/') || event.process == nullptr) return Text(raw);
  const std::string_view below = raw.starts_with("./") ? raw.substr(2) : raw;
  return Text(raw, out.Keep(StrCat(event.process->cwd.view(), below)));
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

// ---- open and its relatives

// "<f>/etc/passwd", "<4t>10.0.0.1:40000->10.0.0.2:443"
std::string_view DescribeFd(const Event& event, Extractor& out) {
  std::string_view transport;
  if (event.kind != Kind::file_open) {
    transport = event.network.transport == Transport::kUdp ? "u" : "t";
  }
  const char type[2] = {FdTypecharOf(event), '\0'};
  return out.Keep(StrCat("<", type, transport, ">", FdNameOf(event, out)));
}

ParamValue OpenedFd(const Event& event, Extractor& out) {
  if (event.result < 0) return Error(event.result, out);
  return Signed(event.file_open.fd, out, DescribeFd(event, out));
}

ParamValue DirFd(const Event& event, Extractor& out) {
  const int32_t fd = event.file_open.dirfd;
  return Signed(fd, out, fd == AT_FDCWD ? "AT_FDCWD" : "");
}

ParamValue OpenName(const Event& event, Extractor&) {
  const std::string_view raw = event.file_open.name_raw;
  return Text(raw, raw.starts_with('/') ? std::string_view() : event.file_open.file.path);
}

ParamValue OpenPath(const Event& event, Extractor&) { return Text(event.file_open.file.path); }

ParamValue OpenFlags(const Event& event, Extractor& out) {
  const uint32_t flags = event.file_open.flags;
  return Unsigned(OpenFlagsFalco(flags), out, out.Keep(OpenFlagNames(flags)));
}

ParamValue OpenMode(const Event& event, Extractor& out) {
  const uint32_t mode = event.file_open.create_mode;
  return {Value::Uint(mode), out.Keep(absl::StrFormat("%#o", mode)), {}};
}

ParamValue OpenDev(const Event& event, Extractor& out) {
  const uint32_t dev = EncodeDevice(event.file_open.file.dev);
  return {Value::Uint(dev), out.Keep(absl::StrFormat("%X", dev)), {}};
}

ParamValue OpenIno(const Event& event, Extractor& out) {
  return Unsigned(event.file_open.file.ino, out);
}

ParamValue OpenResolve(const Event& event, Extractor& out) {
  const uint64_t resolve = event.file_open.resolve;
  return Unsigned(resolve, out, out.Keep(ResolveFlagNames(resolve)));
}

// ---- connect, accept, accept4

ParamValue SocketFd(const Event& event, Extractor& out) {
  if (event.network.fd < 0) return {};
  return Signed(event.network.fd, out, DescribeFd(event, out));
}

ParamValue AcceptedFd(const Event& event, Extractor& out) {
  return event.result < 0 ? Error(event.result, out) : SocketFd(event, out);
}

ParamValue Tuple(const Event& event, Extractor& out) {
  return Text(out.Keep(ConnectionName(event)));
}

ParamValue RemoteAddress(const Event& event, Extractor& out) {
  return Text(out.Keep(EndpointName(event.network.remote, event.network.ipv6)));
}

// ---- the tables

constexpr ParamRow kExecve[] = {
    {"res", Res},
    {"exe", OfProcess<ProcExe>},
    {"args", Args},
    {"tid", Tid},
    {"pid", Pid},
    {"ptid", Ptid},
    {"cwd", OfProcess<ProcCwd>},
    {"fdlimit", Unknown},
    {"pgft_maj", Unknown},
    {"pgft_min", Unknown},
    {"vm_size", Unknown},
    {"vm_rss", Unknown},
    {"vm_swap", Unknown},
    {"comm", Comm},
    {"cgroups", OfProcess<ThreadCgroups>},
    {"env", Unknown},
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
    {"res", Res},
    {"exe", OfProcess<ProcExe>},
    {"args", Args},
    {"tid", Tid},
    {"pid", Pid},
    {"ptid", Ptid},
    {"cwd", OfProcess<ProcCwd>},
    {"fdlimit", Unknown},
    {"pgft_maj", Unknown},
    {"pgft_min", Unknown},
    {"vm_size", Unknown},
    {"vm_rss", Unknown},
    {"vm_swap", Unknown},
    {"comm", Comm},
    {"cgroups", OfProcess<ThreadCgroups>},
    {"flags", Unknown},
    {"uid", Uid},
    {"gid", Gid},
    {"vtid", OfProcess<ProcVpid>},
    {"vpid", OfProcess<ProcVpid>},
    {"pidns_init_start_ts", Unknown},
};

constexpr ParamRow kProcexit[] = {{"status", ExitStatus},
                                  {"ret", ExitCode},
                                  {"sig", ExitSignal},
                                  {"core", ExitCore},
                                  {"reaper_tid", Unknown}};

constexpr ParamRow kOpen[] = {{"fd", OpenedFd},   {"name", OpenName}, {"flags", OpenFlags},
                              {"mode", OpenMode}, {"dev", OpenDev},   {"ino", OpenIno}};

constexpr ParamRow kOpenat[] = {{"fd", OpenedFd},     {"dirfd", DirFd},   {"name", OpenName},
                                {"flags", OpenFlags}, {"mode", OpenMode}, {"dev", OpenDev},
                                {"ino", OpenIno}};

constexpr ParamRow kOpenat2[] = {{"fd", OpenedFd},     {"dirfd", DirFd},   {"name", OpenName},
                                 {"flags", OpenFlags}, {"mode", OpenMode}, {"resolve", OpenResolve},
                                 {"dev", OpenDev},     {"ino", OpenIno}};

constexpr ParamRow kOpenByHandleAt[] = {{"fd", OpenedFd},     {"mountfd", DirFd},
                                        {"flags", OpenFlags}, {"path", OpenPath},
                                        {"dev", OpenDev},     {"ino", OpenIno}};

// creat has no flags parameter; its creat_flags tell about overlay layers.
constexpr ParamRow kCreat[] = {{"fd", OpenedFd}, {"name", OpenName}, {"mode", OpenMode},
                               {"dev", OpenDev}, {"ino", OpenIno},   {"creat_flags", Unknown}};

constexpr ParamRow kConnect[] = {
    {"res", Res}, {"tuple", Tuple}, {"fd", SocketFd}, {"addr", RemoteAddress}};

constexpr ParamRow kAccept4[] = {{"fd", AcceptedFd},    {"tuple", Tuple},
                                 {"queuepct", Unknown}, {"queuelen", Unknown},
                                 {"queuemax", Unknown}, {"flags", Unknown}};
constexpr size_t kAcceptCount = std::size(kAccept4) - 1;

const struct {
  std::string_view type;
  absl::Span<const ParamRow> params;
} kParams[] = {
    {"execve", kExecve},
    {"execveat", absl::MakeConstSpan(kExecve, kExecveatCount)},
    {"clone", kClone},
    {"procexit", kProcexit},
    {"open", kOpen},
    {"openat", kOpenat},
    {"openat2", kOpenat2},
    {"open_by_handle_at", kOpenByHandleAt},
    {"creat", kCreat},
    {"connect", kConnect},
    {"accept", absl::MakeConstSpan(kAccept4, kAcceptCount)},
    {"accept4", kAccept4},
};

// Parameters of event types that Falco has and that our probes do not report yet, each between
// blanks.
constexpr std::string_view kOtherParams =
    " arg arg2_int arg2_str backlog cap cmd data dirfd1 dirfd2 domain egid euid events fd1 fd2"
    " fd_in fd_out fdin fdout fds filedes flag how id img in_fd initval interest_mask length"
    " level linkdirfd linkpath locktype maxevents msgcontrol nativeID new_root newcur newdir"
    " newdirfd newfd newmax newpath next nstype offset olddir olddirfd oldfd oldpath op"
    " operation option optlen optname out_fd pathname pid_fd prot proto put_old quota_fmt"
    " request resource rgid ruid sgid sigmask signal size source special submit suid target"
    " target_fd time timeout type uargs val whence ";

}  // namespace

absl::Span<const ParamRow> EventParams(const Event& event) {
  static const auto* const by_type = [] {
    auto* table = new std::vector<absl::Span<const ParamRow>>(AllEventTypes().size());
    for (const auto& row : kParams) (*table)[FindEventType(row.type)->id] = row.params;
    return table;
  }();
  return event.type < by_type->size() ? (*by_type)[event.type] : absl::Span<const ParamRow>();
}

bool IsEventParam(std::string_view name) {
  for (const auto& row : kParams) {
    for (const ParamRow& param : row.params) {
      if (param.name == name) return true;
    }
  }
  return !name.empty() && kOtherParams.find(StrCat(" ", name, " ")) != std::string_view::npos;
}

}  // namespace vakt
