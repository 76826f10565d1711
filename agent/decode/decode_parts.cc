// SPDX-License-Identifier: Apache-2.0
#include "agent/decode/decode_parts.h"

#include <algorithm>
#include <cstring>

namespace vakt {

static_assert(UserStack::kMaxFrames == VAKT_STACK_FRAMES);
static_assert(StackFrame::kBuildIdBytes == VAKT_BUILD_ID_SIZE);

EventTypeId TypeOf(Kind kind, int syscall_nr) {
  const EventTypeRow* row = FindEventType(kind, syscall_nr);
  return row == nullptr ? kNoEventType : row->id;
}

PathStatus DecodePathStatus(uint32_t status) {
  return status <= VAKT_PATH_DELETED ? static_cast<PathStatus>(status) : PathStatus::kUnknown;
}

Task DecodeTask(const vakt_task& wire, size_t offset, WireRecord& record) {
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
      .comm = record.Comm(offset + offsetof(vakt_task, comm)),
      .process_comm = record.Comm(offset + offsetof(vakt_task, process_comm)),
      .exec_id = wire.exec_id,
      .fingerprint = wire.fingerprint,
  };
}

void DecodeStack(const vakt_span& span, WireRecord& record, UserStack* out) {
  const std::string_view bytes = record.String(span);
  if (bytes.empty()) return;
  vakt_stack wire;
  if (bytes.size() < sizeof(wire)) return record.Fail(DropReason::kBadValue);
  std::memcpy(&wire, bytes.data(), sizeof(wire));
  const size_t frames_size = wire.frames * sizeof(vakt_frame);
  if (wire.frames > UserStack::kMaxFrames || wire.origin > VAKT_ORIGIN_ANONYMOUS ||
      bytes.size() != sizeof(wire) + frames_size + wire.name_size) {
    return record.Fail(DropReason::kBadValue);
  }
  out->captured = true;
  out->origin = static_cast<CallOrigin>(wire.origin);
  out->truncated = wire.truncated != 0;
  out->origin_dev = wire.origin_dev;
  out->origin_ino = wire.origin_ino;
  out->origin_name = bytes.substr(sizeof(wire) + frames_size);
  for (; out->frame_count < wire.frames; ++out->frame_count) {
    vakt_frame frame;
    std::memcpy(&frame, bytes.data() + sizeof(wire) + out->frame_count * sizeof(frame),
                sizeof(frame));
    StackFrame& to = out->frames[out->frame_count];
    to.has_build_id = frame.status == VAKT_FRAME_BUILD_ID;
    if (to.has_build_id) std::copy_n(frame.build_id, to.build_id.size(), to.build_id.begin());
    to.offset = frame.place;
  }
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
      .outer_path = record.String(wire.outer_path),
  };
}

}  // namespace vakt
