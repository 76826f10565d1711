// SPDX-License-Identifier: Apache-2.0
#include "common/event_codec/event_codec.h"

#include <algorithm>
#include <cstddef>
#include <string_view>

#include "common/event/kind.h"

namespace vakt {
namespace {

constexpr size_t kIpv4Bytes = 4;
constexpr size_t kIpv6Bytes = 16;

void Set(std::string_view bytes, std::string* out) { out->assign(bytes.data(), bytes.size()); }

void TaskToProto(const Task& task, v1::Task* out) {
  out->set_cookie(task.cookie);
  out->set_parent_cookie(task.parent_cookie);
  out->set_pid(task.pid);
  out->set_tid(task.tid);
  out->set_ppid(task.ppid);
  Set(task.comm, out->mutable_comm());
  out->set_uid(task.uid);
  out->set_gid(task.gid);
  out->set_euid(task.euid);
  out->set_egid(task.egid);
  out->set_cap_effective(task.cap_effective);
  out->set_cgroup_id(task.cgroup_id);
  out->set_mnt_ns(task.mnt_ns);
  out->set_pid_ns(task.pid_ns);
  out->set_net_ns(task.net_ns);
  out->set_user_ns(task.user_ns);
  out->set_kernel_thread(task.kernel_thread);
}

Task TaskFromProto(const v1::Task& in) {
  return {
      .cookie = in.cookie(),
      .parent_cookie = in.parent_cookie(),
      .cgroup_id = in.cgroup_id(),
      .cap_effective = in.cap_effective(),
      .pid = in.pid(),
      .tid = in.tid(),
      .ppid = in.ppid(),
      .uid = in.uid(),
      .gid = in.gid(),
      .euid = in.euid(),
      .egid = in.egid(),
      .mnt_ns = in.mnt_ns(),
      .pid_ns = in.pid_ns(),
      .net_ns = in.net_ns(),
      .user_ns = in.user_ns(),
      .kernel_thread = in.kernel_thread(),
      .comm = in.comm(),
  };
}

void FactsToProto(const ProcessFacts& facts, v1::ProcessFacts* out) {
  out->set_start_boot_ns(facts.start_boot_ns);
  out->set_ns_pid(facts.ns_pid);
  out->set_pgid(facts.pgid);
  out->set_ns_pgid(facts.ns_pgid);
  out->set_session_id(facts.session_id);
  out->set_ns_session_id(facts.ns_session_id);
  out->set_login_uid(facts.login_uid);
  out->set_tty(facts.tty);
  out->set_cap_permitted(facts.cap_permitted);
  out->set_cap_inheritable(facts.cap_inheritable);
  Set(facts.cgroup_path, out->mutable_cgroup_path());
}

ProcessFacts FactsFromProto(const v1::ProcessFacts& in) {
  return {
      .start_boot_ns = in.start_boot_ns(),
      .cap_permitted = in.cap_permitted(),
      .cap_inheritable = in.cap_inheritable(),
      .ns_pid = in.ns_pid(),
      .pgid = in.pgid(),
      .ns_pgid = in.ns_pgid(),
      .session_id = in.session_id(),
      .ns_session_id = in.ns_session_id(),
      .login_uid = in.login_uid(),
      .tty = in.tty(),
      .cgroup_path = in.cgroup_path(),
  };
}

void FileToProto(const File& file, v1::File* out) {
  Set(file.path, out->mutable_path());
  out->set_dev(file.dev);
  out->set_ino(file.ino);
  out->set_nlink(file.nlink);
  out->set_mode(file.mode);
  out->set_uid(file.uid);
  out->set_ctime_ns(file.ctime_ns);
  out->set_mtime_ns(file.mtime_ns);
  out->set_path_status(static_cast<v1::File::PathStatus>(file.path_status));
}

File FileFromProto(const v1::File& in) {
  const bool known = v1::File::PathStatus_IsValid(in.path_status());
  return {
      .path = in.path(),
      .ino = in.ino(),
      .ctime_ns = in.ctime_ns(),
      .mtime_ns = in.mtime_ns(),
      .dev = in.dev(),
      .nlink = in.nlink(),
      .mode = in.mode(),
      .uid = in.uid(),
      .path_status = known ? static_cast<PathStatus>(in.path_status()) : PathStatus::kUnknown,
  };
}

void ForkToProto(const ProcessFork& fork, v1::ProcessFork* out) {
  TaskToProto(fork.child, out->mutable_child());
  FactsToProto(fork.facts, out->mutable_child_facts());
}

ProcessFork ForkFromProto(const v1::ProcessFork& in) {
  return {.child = TaskFromProto(in.child()), .facts = FactsFromProto(in.child_facts())};
}

void ExecToProto(const ProcessExec& exec, v1::ProcessExec* out) {
  FileToProto(exec.exe, out->mutable_exe());
  Set(exec.filename, out->mutable_filename());
  for (std::string_view rest = exec.argv; !rest.empty();) {
    const size_t end = std::min(rest.find('\0'), rest.size());
    out->add_argv(rest.data(), end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  out->set_argv_truncated(exec.argv_truncated);
  Set(exec.cwd, out->mutable_cwd());
  out->set_exe_upper_layer(exec.exe_upper_layer);
  out->set_exe_memfd(exec.exe_memfd);
  out->set_exe_unlinked(exec.exe_unlinked);
  out->set_exe_writable(exec.exe_writable);
  FactsToProto(exec.facts, out->mutable_facts());
}

ProcessExec ExecFromProto(const v1::ProcessExec& in, std::string* argv_storage) {
  argv_storage->clear();
  for (const std::string& arg : in.argv()) {
    argv_storage->append(arg);
    argv_storage->push_back('\0');
  }
  return {
      .exe = FileFromProto(in.exe()),
      .filename = in.filename(),
      .argv = *argv_storage,
      .cwd = in.cwd(),
      .argv_truncated = in.argv_truncated(),
      .exe_upper_layer = in.exe_upper_layer(),
      .exe_memfd = in.exe_memfd(),
      .exe_unlinked = in.exe_unlinked(),
      .exe_writable = in.exe_writable(),
      .facts = FactsFromProto(in.facts()),
  };
}

void OpenToProto(const FileOpen& open, v1::FileOpen* out) {
  FileToProto(open.file, out->mutable_file());
  Set(open.name_raw, out->mutable_name_raw());
  out->set_flags(open.flags);
  out->set_create_mode(open.create_mode);
  out->set_dirfd(open.dirfd);
  out->set_fd(open.fd);
  out->set_resolve(open.resolve);
}

FileOpen OpenFromProto(const v1::FileOpen& in) {
  return {
      .file = FileFromProto(in.file()),
      .name_raw = in.name_raw(),
      .flags = in.flags(),
      .create_mode = in.create_mode(),
      .dirfd = in.dirfd(),
      .fd = in.fd(),
      .resolve = in.resolve(),
  };
}

void EndpointToProto(const Endpoint& endpoint, bool ipv6, v1::Endpoint* out) {
  out->set_address(endpoint.address.data(), ipv6 ? kIpv6Bytes : kIpv4Bytes);
  out->set_port(endpoint.port);
}

// NetworkConnect and NetworkAccept have the same fields.
template <typename Message>
void NetworkToProto(const Network& network, Message* out) {
  EndpointToProto(network.local, network.ipv6, out->mutable_local());
  EndpointToProto(network.remote, network.ipv6, out->mutable_remote());
  out->set_transport(static_cast<v1::Transport>(network.transport));
  out->set_v4_mapped(network.v4_mapped);
  out->set_fd(network.fd);
}

bool EndpointFromProto(const v1::Endpoint& in, bool ipv6, Endpoint* out) {
  if (in.address().size() != (ipv6 ? kIpv6Bytes : kIpv4Bytes) || in.port() > 0xffff) return false;
  std::copy(in.address().begin(), in.address().end(), out->address.begin());
  out->port = static_cast<uint16_t>(in.port());
  return true;
}

template <typename Message>
bool NetworkFromProto(const Message& in, Network* out) {
  out->ipv6 = in.remote().address().size() == kIpv6Bytes;
  out->v4_mapped = in.v4_mapped();
  out->fd = in.fd();
  if (v1::Transport_IsValid(in.transport())) {
    out->transport = static_cast<Transport>(in.transport());
  }
  return EndpointFromProto(in.local(), out->ipv6, &out->local) &&
         EndpointFromProto(in.remote(), out->ipv6, &out->remote);
}

bool PayloadFromProto(const v1::Event& in, std::string* argv_storage, Event* out) {
  switch (in.payload_case()) {
    case v1::Event::kProcessFork:
      out->kind = Kind::process_fork;
      out->process_fork = ForkFromProto(in.process_fork());
      return true;
    case v1::Event::kProcessExec:
      out->kind = Kind::process_exec;
      out->process_exec = ExecFromProto(in.process_exec(), argv_storage);
      return true;
    case v1::Event::kProcessExit:
      out->kind = Kind::process_exit;
      out->process_exit = {.exit_code = in.process_exit().exit_code(),
                           .signal = in.process_exit().signal(),
                           .core_dumped = in.process_exit().core_dumped()};
      return true;
    case v1::Event::kProcessSeed:
      out->kind = Kind::process_seed;
      out->process_exec = ExecFromProto(in.process_seed().image(), argv_storage);
      return true;
    case v1::Event::kFileOpen:
      out->kind = Kind::file_open;
      out->file_open = OpenFromProto(in.file_open());
      return true;
    case v1::Event::kNetworkConnect:
      out->kind = Kind::network_connect;
      return NetworkFromProto(in.network_connect(), &out->network);
    case v1::Event::kNetworkAccept:
      out->kind = Kind::network_accept;
      return NetworkFromProto(in.network_accept(), &out->network);
    case v1::Event::PAYLOAD_NOT_SET:
      break;
  }
  return false;
}

void PayloadToProto(const Event& event, v1::Event* out) {
  switch (event.kind) {
    case Kind::none:
      break;
    case Kind::process_fork:
      return ForkToProto(event.process_fork, out->mutable_process_fork());
    case Kind::process_exec:
      return ExecToProto(event.process_exec, out->mutable_process_exec());
    case Kind::process_exit:
      out->mutable_process_exit()->set_exit_code(event.process_exit.exit_code);
      out->mutable_process_exit()->set_signal(event.process_exit.signal);
      out->mutable_process_exit()->set_core_dumped(event.process_exit.core_dumped);
      break;
    case Kind::process_seed:
      return ExecToProto(event.process_exec, out->mutable_process_seed()->mutable_image());
    case Kind::file_open:
      return OpenToProto(event.file_open, out->mutable_file_open());
    case Kind::network_connect:
      return NetworkToProto(event.network, out->mutable_network_connect());
    case Kind::network_accept:
      return NetworkToProto(event.network, out->mutable_network_accept());
  }
}

}  // namespace

void EventToProto(const Event& event, v1::Event* out) {
  out->Clear();
  out->set_boot_ns(event.boot_ns);
  out->set_seq(event.seq);
  out->set_cpu(event.cpu);
  if (event.type < AllEventTypes().size()) {
    Set(AllEventTypes()[event.type].name, out->mutable_type());
  }
  out->set_abi(static_cast<v1::Abi>(event.abi));
  TaskToProto(event.task, out->mutable_task());
  out->set_result(event.result);
  PayloadToProto(event, out);
}

bool EventFromProto(const v1::Event& in, std::string* argv_storage, Event* out) {
  *out = Event{};
  if (!PayloadFromProto(in, argv_storage, out)) return false;
  if (!in.type().empty()) {
    const EventTypeRow* type = FindEventType(in.type());
    if (type == nullptr) return false;
    out->type = type->id;
  }
  out->abi = v1::Abi_IsValid(in.abi()) ? static_cast<Abi>(in.abi()) : Abi::kUnknown;
  out->lane = FindKind(static_cast<uint16_t>(out->kind))->lane;
  out->cpu = in.cpu();
  out->seq = in.seq();
  out->boot_ns = in.boot_ns();
  out->result = in.result();
  out->task = TaskFromProto(in.task());
  return true;
}

}  // namespace vakt
