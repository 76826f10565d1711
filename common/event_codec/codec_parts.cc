// SPDX-License-Identifier: Apache-2.0
#include "common/event_codec/codec_parts.h"

#include <algorithm>

namespace vakt {

void TaskToProto(const Task& task, v1::Task* out) {
  out->set_cookie(task.cookie);
  out->set_parent_cookie(task.parent_cookie);
  out->set_pid(task.pid);
  out->set_tid(task.tid);
  out->set_ppid(task.ppid);
  Set(task.comm, out->mutable_comm());
  Set(task.process_comm, out->mutable_process_comm());
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
      .process_comm = in.process_comm(),
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
  Set(file.outer_path, out->mutable_outer_path());
}

PathStatus PathStatusFromProto(v1::File::PathStatus in) {
  return v1::File::PathStatus_IsValid(in) ? static_cast<PathStatus>(in) : PathStatus::kUnknown;
}

File FileFromProto(const v1::File& in) {
  return {
      .path = in.path(),
      .ino = in.ino(),
      .ctime_ns = in.ctime_ns(),
      .mtime_ns = in.mtime_ns(),
      .dev = in.dev(),
      .nlink = in.nlink(),
      .mode = in.mode(),
      .uid = in.uid(),
      .path_status = PathStatusFromProto(in.path_status()),
      .outer_path = in.outer_path(),
  };
}

void StackToProto(const UserStack& stack, v1::Event* out) {
  if (!stack.captured) return;
  v1::UserStack* message = out->mutable_user_stack();
  message->set_origin(static_cast<v1::UserStack::Origin>(stack.origin));
  Set(stack.origin_name, message->mutable_origin_name());
  message->set_origin_dev(stack.origin_dev);
  message->set_origin_ino(stack.origin_ino);
  message->set_truncated(stack.truncated);
  for (const StackFrame& frame : stack.Frames()) {
    v1::UserStack::Frame* to = message->add_frames();
    if (frame.has_build_id) to->set_build_id(frame.build_id.data(), frame.build_id.size());
    to->set_offset(frame.offset);
  }
}

bool StackFromProto(const v1::Event& in, UserStack* out) {
  if (!in.has_user_stack()) return true;
  const v1::UserStack& message = in.user_stack();
  if (static_cast<size_t>(message.frames_size()) > UserStack::kMaxFrames) return false;
  out->captured = true;
  out->origin = v1::UserStack::Origin_IsValid(message.origin())
                    ? static_cast<CallOrigin>(message.origin())
                    : CallOrigin::kUnknown;
  out->origin_name = message.origin_name();
  out->origin_dev = message.origin_dev();
  out->origin_ino = message.origin_ino();
  out->truncated = message.truncated();
  for (const v1::UserStack::Frame& from : message.frames()) {
    StackFrame& frame = out->frames[out->frame_count++];
    const std::string& id = from.build_id();
    if (!id.empty() && id.size() != frame.build_id.size()) return false;
    frame.has_build_id = !id.empty();
    std::copy(id.begin(), id.end(), frame.build_id.begin());
    frame.offset = from.offset();
  }
  return true;
}

void EndpointToProto(const Endpoint& endpoint, bool ipv6, v1::Endpoint* out) {
  out->set_address(endpoint.address.data(), ipv6 ? kIpv6Bytes : kIpv4Bytes);
  out->set_port(endpoint.port);
}

bool EndpointFromProto(const v1::Endpoint& in, bool ipv6, Endpoint* out) {
  if (in.address().size() != (ipv6 ? kIpv6Bytes : kIpv4Bytes) || in.port() > 0xffff) return false;
  std::copy(in.address().begin(), in.address().end(), out->address.begin());
  out->port = static_cast<uint16_t>(in.port());
  return true;
}

}  // namespace vakt
