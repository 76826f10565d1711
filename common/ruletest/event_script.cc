// SPDX-License-Identifier: Apache-2.0
#include "common/ruletest/event_script.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <string>
#include <string_view>

#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/event/kind.h"
#include "common/event/payload.h"
#include "common/ruletest/script_keys.h"
#include "common/ruletest/script_values.h"
#include "common/time/wall_time.h"

namespace vakt {
namespace {

constexpr uint32_t kDefaultPid = 100;
constexpr uint32_t kMaxPid = 4'194'304;  // PID_MAX_LIMIT of the kernel
constexpr size_t kMaxComm = 15;          // TASK_COMM_LEN without the NUL
constexpr uint32_t kUnsetLoginUid = 0xffffffff;
constexpr int kFd = 3;

bool StartsProgram(Kind kind) { return kind == Kind::process_seed || kind == Kind::process_exec; }

std::string_view LastComponent(std::string_view path) { return path.substr(path.rfind('/') + 1); }

std::string_view DefaultType(Kind kind) {
  constexpr struct {
    Kind kind;
    std::string_view type;
  } kTypes[] = {
      {Kind::process_fork, "clone"},     {Kind::process_exec, "execve"},
      {Kind::process_exit, "procexit"},  {Kind::file_open, "openat"},
      {Kind::file_unlink, "unlinkat"},   {Kind::file_rename, "renameat2"},
      {Kind::file_link, "linkat"},       {Kind::file_symlink, "symlinkat"},
      {Kind::file_mkdir, "mkdirat"},     {Kind::file_mknod, "mknodat"},
      {Kind::file_chmod, "fchmodat"},    {Kind::file_chown, "fchownat"},
      {Kind::file_setxattr, "setxattr"}, {Kind::file_truncate, "truncate"},
      {Kind::file_mount, "mount"},       {Kind::file_umount, "umount2"},
      {Kind::file_chroot, "chroot"},     {Kind::network_connect, "connect"},
      {Kind::network_accept, "accept"},  {Kind::network_socket, "socket"},
      {Kind::network_bind, "bind"},      {Kind::network_listen, "listen"},
      {Kind::network_send, "sendto"},    {Kind::network_receive, "recvfrom"},
      {Kind::network_dup, "dup2"},
  };
  for (const auto& row : kTypes) {
    if (row.kind == kind) return row.type;
  }
  for (const EventTypeRow& row : AllEventTypes()) {
    if (row.kind == kind || row.failed == kind) return row.name;
  }
  return "";
}

// The payload: what its keys did not fill in is as in an event that says nothing.
void AddPayload(Kind kind, EventDraft& draft) {
  v1::Event& event = draft.event;
  const auto* field = event.GetDescriptor()->FindFieldByName(std::string(KindStem(kind)));
  google::protobuf::Message* message = event.GetReflection()->MutableMessage(&event, field);
  const auto take = [&](const google::protobuf::Message& payload) {
    if (payload.GetDescriptor() == message->GetDescriptor()) message->CopyFrom(payload);
  };
  take(draft.call);
  take(draft.act);
  take(draft.change);
  take(draft.credentials);
  take(draft.network);
  take(draft.flow);
  take(draft.dns);
}

absl::Status CompleteProgram(EventDraft& draft) {
  v1::ProcessExec& image = draft.process.image;
  const std::string& path = image.exe().path();
  if (path.empty()) return absl::InvalidArgumentError("exe is missing: the program's path");
  image.mutable_exe()->set_path_status(v1::File::PATH_STATUS_OK);
  image.mutable_exe()->set_mode(S_IFREG | 0755);
  if (image.argv().empty()) image.add_argv(std::string(LastComponent(path)));
  if (image.filename().empty()) image.set_filename(path);
  if (image.cwd().empty()) image.set_cwd("/");
  if (!draft.has_comm) {
    draft.process.task.set_comm(std::string(LastComponent(path).substr(0, kMaxComm)));
  }
  return absl::OkStatus();
}

absl::Status CompleteOpen(EventDraft& draft) {
  v1::FileOpen& open = *draft.event.mutable_file_open();
  v1::File& file = *open.mutable_file();
  if (file.path().empty()) return absl::InvalidArgumentError("path is missing: the file's path");
  if (open.name_raw().empty()) open.set_name_raw(file.path());
  open.set_dirfd(AT_FDCWD);
  if (draft.event.result() < 0) {
    open.set_fd(-1);
    file.set_mode(0);
    file.set_path_status(v1::File::PATH_STATUS_CLAIMED);
    return absl::OkStatus();
  }
  if (draft.event.result() == 0) draft.event.set_result(kFd);
  open.set_fd(static_cast<int32_t>(draft.event.result()));
  if (file.mode() == 0) file.set_mode(S_IFREG | 0644);
  file.set_nlink(1);
  file.set_path_status(v1::File::PATH_STATUS_OK);
  return absl::OkStatus();
}

// Calls that name their objects: the path is a claim, as it is from the probes.
absl::Status CompleteChange(Kind kind, EventDraft& draft) {
  v1::FileChange& change = draft.change;
  if (change.file().path().empty()) {
    return absl::InvalidArgumentError("path is missing: what the call names");
  }
  change.mutable_file()->set_path_status(v1::File::PATH_STATUS_CLAIMED);
  if (change.name_raw().empty()) change.set_name_raw(change.file().path());
  change.set_other_raw(change.other_path());
  change.set_fd(-1);
  change.set_dirfd(AT_FDCWD);
  change.set_other_dirfd(AT_FDCWD);
  AddPayload(kind, draft);
  return absl::OkStatus();
}

bool ServesClient(Kind kind) {
  return kind == Kind::network_accept || kind == Kind::network_receive ||
         kind == Kind::network_bind || kind == Kind::network_listen;
}

// While the draft is made `local` is the client, whichever side the process is on.
absl::Status CompleteEnds(Kind kind, v1::Socket* socket) {
  const bool one_ended = kind == Kind::network_bind || kind == Kind::network_listen;
  if (!socket->has_remote()) {
    return absl::InvalidArgumentError("to is missing: the server's address:port");
  }
  const bool ipv6 = socket->remote().address().size() == 16;
  if (!socket->has_local() || one_ended) {
    socket->mutable_local()->set_address(ipv6 ? std::string(15, '\0') + '\5'
                                              : std::string("\x0a\0\0\5", 4));
    socket->mutable_local()->set_port(40000);
  }
  if (one_ended) {
    socket->mutable_local()->set_address(std::string(ipv6 ? 16 : 4, '\0'));
    socket->mutable_local()->set_port(0);
  }
  if (socket->local().address().size() != socket->remote().address().size()) {
    return absl::InvalidArgumentError("from and to must both be IPv4 or both be IPv6");
  }
  if (ServesClient(kind)) socket->mutable_local()->Swap(socket->mutable_remote());
  return absl::OkStatus();
}

absl::Status CompleteNetwork(Kind kind, EventDraft& draft) {
  v1::Socket& socket = draft.network;
  const bool datagrams = kind == Kind::network_send || kind == Kind::network_receive;
  const bool has_ends = socket.path().empty() && kind != Kind::network_socket;
  socket.set_fd(kFd);
  if (has_ends) {
    VAKT_RETURN_IF_ERROR(CompleteEnds(kind, &socket));
    socket.set_family(socket.remote().address().size() == 16 ? AF_INET6 : AF_INET);
    if (socket.transport() == v1::TRANSPORT_UNSPECIFIED) {
      socket.set_transport(datagrams ? v1::TRANSPORT_UDP : v1::TRANSPORT_TCP);
    }
  } else {
    socket.mutable_local()->set_address(std::string(4, '\0'));
    socket.mutable_remote()->set_address(std::string(4, '\0'));
    if (!socket.path().empty()) socket.set_family(AF_UNIX);
    if (socket.family() == 0) socket.set_family(AF_INET);
  }
  if (kind == Kind::network_socket && draft.event.result() == 0) draft.event.set_result(kFd);
  if (kind == Kind::network_dup) socket.set_fd(static_cast<int32_t>(draft.event.result()));
  AddPayload(kind, draft);
  return absl::OkStatus();
}

// Local and remote of one family, and sums over the whole flow unless the script says otherwise.
absl::Status CompleteFlow(Kind kind, EventDraft& draft) {
  v1::NetworkFlow& report = draft.flow;
  v1::Flow& flow = *report.mutable_flow();
  if (report.state() == v1::NetworkFlow::STATE_UNSPECIFIED) {
    report.set_state(v1::NetworkFlow::STATE_BEGIN);
  }
  if (flow.direction() == v1::Flow::DIRECTION_UNSPECIFIED) {
    flow.set_direction(v1::Flow::DIRECTION_OUT);
  }
  if (flow.protocol() == 0) {
    flow.set_protocol(IPPROTO_TCP);
    flow.set_transport(v1::TRANSPORT_TCP);
  }
  if (flow.folded_flows() == 0) {
    v1::Endpoint* known = flow.has_remote() ? flow.mutable_remote() : flow.mutable_local();
    v1::Endpoint* other = flow.has_remote() ? flow.mutable_local() : flow.mutable_remote();
    if (known->address().empty()) {
      return absl::InvalidArgumentError("remote is missing: the other side's address:port");
    }
    if (other->address().empty()) other->set_address(std::string(known->address().size(), '\0'));
    if (other->address().size() != known->address().size()) {
      return absl::InvalidArgumentError("local and remote must both be IPv4 or both be IPv6");
    }
  }
  const auto at_least = [](uint64_t total, uint64_t sum) { return std::max(total, sum); };
  report.set_total_connections(at_least(report.total_connections(), flow.connections()));
  report.set_total_bytes_out(at_least(report.total_bytes_out(), flow.bytes_out()));
  report.set_total_bytes_in(at_least(report.total_bytes_in(), flow.bytes_in()));
  report.set_day_bytes_out(at_least(report.day_bytes_out(), report.total_bytes_out()));
  AddPayload(kind, draft);
  return absl::OkStatus();
}

absl::Status CompleteDns(Kind kind, EventDraft& draft) {
  v1::NetworkDns& dns = draft.dns;
  if (dns.name().empty()) return absl::InvalidArgumentError("name is missing: what was asked for");
  if (!dns.has_server()) {
    dns.mutable_server()->set_address(std::string("\x0a\x60\0\x0a", 4));
    dns.mutable_server()->set_port(53);
  }
  dns.set_transport(v1::TRANSPORT_UDP);
  if (dns.type() == 0) dns.set_type(1);
  if (dns.answers() == 0) {
    dns.set_answers(static_cast<uint32_t>(dns.addresses_size() + dns.aliases_size()));
  }
  AddPayload(kind, draft);
  return absl::OkStatus();
}

absl::Status Complete(Kind kind, EventDraft& draft) {
  if (draft.event.type().empty()) draft.event.set_type(std::string(DefaultType(kind)));
  switch (kind) {
    case Kind::process_exec:
      VAKT_RETURN_IF_ERROR(CompleteProgram(draft));
      *draft.event.mutable_process_exec() = draft.process.image;
      return absl::OkStatus();
    case Kind::process_seed:
      VAKT_RETURN_IF_ERROR(CompleteProgram(draft));
      *draft.event.mutable_process_seed()->mutable_image() = draft.process.image;
      return absl::OkStatus();
    case Kind::process_fork:
      if (draft.child_pid == 0) return absl::InvalidArgumentError("child is missing: its pid");
      return absl::OkStatus();
    case Kind::process_exit:
      draft.event.mutable_process_exit();
      return absl::OkStatus();
    case Kind::file_open:
      return CompleteOpen(draft);
    case Kind::network_flow:
      return CompleteFlow(kind, draft);
    case Kind::network_dns:
      return CompleteDns(kind, draft);
    case Kind::none:
      return absl::InvalidArgumentError("an event needs a kind");
    default:
      break;
  }
  if (In(kFileChangeKinds, kind)) return CompleteChange(kind, draft);
  if (In(kNetworkKinds, kind)) return CompleteNetwork(kind, draft);
  AddPayload(kind, draft);
  return absl::OkStatus();
}

// The node of a test has its wall clock at its boot.
void SetFlowTimes(uint64_t boot_ns, EventDraft& draft) {
  v1::Flow& flow = *draft.event.mutable_network_flow()->mutable_flow();
  const auto now = static_cast<int64_t>(boot_ns);
  FromWallNs(now, flow.mutable_end());
  FromWallNs(now - static_cast<int64_t>(std::min(draft.flow_ns, boot_ns)), flow.mutable_begin());
  *flow.mutable_first_seen() = flow.begin();
}

std::string KindNames() {
  std::string names;
  for (const KindRow& row : AllKinds()) {
    if (!names.empty()) names += ", ";
    names += row.stem;
  }
  return names;
}

absl::StatusOr<Kind> ReadKind(const YamlNode& item) {
  if (!item.is_mapping() || item.entries.size() != 1) {
    return absl::InvalidArgumentError("expected one event, such as `process_exec: {exe: /bin/ls}`");
  }
  const KindRow* row = FindKind(item.entries[0].key.text);
  if (row == nullptr) {
    return absl::InvalidArgumentError(StrCat("there is no event kind \"", item.entries[0].key.text,
                                             "\"; there are ", KindNames()));
  }
  if (!item.entries[0].value.is_mapping()) {
    return absl::InvalidArgumentError(StrCat("expected {key: value, ...} after ", row->stem));
  }
  return row->kind;
}

absl::Status ReadPid(const YamlNode& keys, std::string_view key, uint32_t fallback, uint32_t* pid) {
  *pid = fallback;
  const YamlNode* value = keys.Find(key);
  if (value == nullptr) return absl::OkStatus();
  uint64_t number = 0;
  VAKT_RETURN_IF_ERROR(ReadNumber(*value, kMaxPid, &number));
  *pid = static_cast<uint32_t>(number);
  return absl::OkStatus();
}

// The new program's own properties begin anew; credentials, session and container stay.
void ForgetProgram(ScriptProcess& process) {
  v1::ProcessFacts facts = process.image.facts();
  std::string cwd = process.image.cwd();
  process.image.Clear();
  *process.image.mutable_facts() = std::move(facts);
  process.image.set_cwd(std::move(cwd));
}

}  // namespace

void ScriptProcess::SetCgroup(const std::string& path) {
  image.mutable_facts()->set_cgroup_path(path);
  task.set_cgroup_id(std::hash<std::string>()(path));
}

// A new process takes from its parent what a fork copies.
ScriptProcess EventScript::Start(uint32_t pid, uint32_t ppid) {
  ScriptProcess process;
  v1::ProcessFacts& facts = *process.image.mutable_facts();
  const auto parent = processes_.find(ppid);
  if (parent != processes_.end()) {
    process = parent->second;
    process.task.set_parent_cookie(parent->second.task.cookie());
  } else {
    facts.set_login_uid(kUnsetLoginUid);
    facts.set_session_id(pid);
    facts.set_ns_session_id(pid);
  }
  process.task.set_cookie((boot_ns_ << 22) | pid);
  process.task.set_pid(pid);
  process.task.set_tid(pid);
  process.task.set_ppid(ppid);
  process.image.mutable_facts()->set_start_boot_ns(boot_ns_);
  process.image.mutable_facts()->set_ns_pid(pid);
  process.image.mutable_facts()->set_pgid(pid);
  process.image.mutable_facts()->set_ns_pgid(pid);
  return process;
}

absl::StatusOr<ScriptProcess> EventScript::FindOrStart(const YamlNode& keys, bool starts_program) {
  uint32_t pid = 0;
  uint32_t ppid = 0;
  VAKT_RETURN_IF_ERROR(ReadPid(keys, "pid", kDefaultPid, &pid));
  const auto known = processes_.find(pid);
  if (known == processes_.end() && !starts_program) {
    return absl::InvalidArgumentError(StrCat("no event before this one tells about process ", pid,
                                             "; begin with process_seed or process_exec"));
  }
  VAKT_RETURN_IF_ERROR(
      ReadPid(keys, "ppid", known == processes_.end() ? 1 : known->second.task.ppid(), &ppid));
  ScriptProcess process = known == processes_.end() ? Start(pid, ppid) : known->second;
  process.task.set_tid(pid);
  process.task.set_ppid(ppid);
  if (starts_program) ForgetProgram(process);
  return process;
}

// As earlier events told of it. One that is moved to a control group is there from now on.
void EventScript::CompleteTarget(Kind kind, EventDraft& draft) {
  const auto known = processes_.find(draft.act.target().pid());
  if (known == processes_.end()) return;
  ScriptProcess& target = known->first == draft.process.task.pid() ? draft.process : known->second;
  if (kind == Kind::process_cgroup) target.SetCgroup(draft.act.text());
  *draft.act.mutable_target() = target.task;
}

absl::StatusOr<v1::Event> EventScript::Add(const YamlNode& item, SourcePosition* where) {
  *where = item.position;
  VAKT_ASSIGN_OR_RETURN(const Kind kind, ReadKind(item));
  const YamlNode& keys = item.entries[0].value;
  EventDraft draft;
  VAKT_ASSIGN_OR_RETURN(draft.process, FindOrStart(keys, StartsProgram(kind)));
  for (const YamlEntry& entry : keys.entries) {
    *where = entry.key.position;
    const ScriptKeyRow* row = FindScriptKey(entry.key.text, kind);
    if (row == nullptr) {
      return absl::InvalidArgumentError(StrCat(KindStem(kind), " has no key \"", entry.key.text,
                                               "\"; it has ", ScriptKeyNames(kind)));
    }
    if (absl::Status status = row->set(entry.value, draft); !status.ok()) {
      return absl::InvalidArgumentError(StrCat(entry.key.text, ": ", Message(status)));
    }
  }
  *where = item.position;
  if (draft.act.has_target()) CompleteTarget(kind, draft);
  VAKT_RETURN_IF_ERROR(Complete(kind, draft));
  boot_ns_ += draft.after_ns;
  processes_[draft.process.task.pid()] = draft.process;
  if (kind == Kind::process_fork) {
    ScriptProcess child = Start(draft.child_pid, draft.process.task.pid());
    *draft.event.mutable_process_fork()->mutable_child() = child.task;
    *draft.event.mutable_process_fork()->mutable_child_facts() = child.image.facts();
    draft.event.set_result(draft.child_pid);
    processes_[draft.child_pid] = std::move(child);
  }
  if (kind == Kind::network_flow) SetFlowTimes(boot_ns_, draft);
  *draft.event.mutable_task() = draft.process.task;
  draft.event.set_boot_ns(boot_ns_);
  draft.event.set_seq(++seq_);
  draft.event.set_abi(v1::ABI_X86_64);
  return std::move(draft.event);
}

}  // namespace vakt
