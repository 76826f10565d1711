// SPDX-License-Identifier: Apache-2.0
#include "agent/flow/flow_message.h"

#include <netinet/in.h>

#include <string_view>

#include "common/event/container.h"
#include "common/event_codec/container_codec.h"
#include "common/time/wall_time.h"

namespace vakt {
namespace {

static_assert(VAKT_FLOW_OUT == v1::Flow::DIRECTION_OUT);
static_assert(VAKT_FLOW_IN == v1::Flow::DIRECTION_IN);
static_assert(VAKT_FLOW_LISTEN == v1::Flow::DIRECTION_LISTEN);

void Set(std::string_view bytes, std::string* out) { out->assign(bytes.data(), bytes.size()); }

// Of the address's own length; empty when it is not known.
std::string_view Address(const vakt_flow_key& key, const __u8* bytes) {
  if (key.family == 0) return {};
  return {reinterpret_cast<const char*>(bytes), key.family == AF_INET6 ? size_t{16} : size_t{4}};
}

// The live process knows more; what it was when it was seen last is enough.
void SetTask(const FlowRecord& record, v1::Task* out) {
  const FlowProcess& process = *record.process;
  out->set_cookie(process.cookie);
  out->set_pid(process.pid);
  out->set_tid(process.pid);
  Set(process.comm, out->mutable_comm());
  Set(process.comm, out->mutable_process_comm());
  out->set_uid(process.uid);
  out->set_net_ns(record.where.net_ns);
  if (record.live == nullptr) return;
  out->set_parent_cookie(record.live->parent_cookie);
  out->set_ppid(record.live->ppid);
  out->set_gid(record.live->gid);
  out->set_euid(record.live->euid);
  out->set_egid(record.live->egid);
  out->set_cap_effective(record.live->cap_effective);
  out->set_cgroup_id(record.live->cgroup_id);
  out->set_mnt_ns(record.live->mnt_ns);
  out->set_pid_ns(record.live->pid_ns);
  out->set_user_ns(record.live->user_ns);
  out->set_kernel_thread(record.live->kernel_thread);
}

void SetSums(const vakt_flow_counts& sums, v1::Flow* out) {
  out->set_connections(sums.connections);
  out->set_established(sums.established);
  out->set_refused(sums.refused);
  out->set_timed_out(sums.timed_out);
  out->set_reset(sums.reset);
  out->set_bytes_out(sums.bytes_out);
  out->set_bytes_in(sums.bytes_in);
  out->set_packets_out(sums.packets_out);
  out->set_packets_in(sums.packets_in);
  out->set_retransmits(sums.retransmits);
  out->set_open_connections(sums.open);
  out->set_folded_flows(sums.folded);
}

}  // namespace

void FlowToProto(const FlowRecord& record, const AddressClasses& classes,
                 absl::Span<const SharedString> names, int64_t boot_to_wall_ns, v1::Flow* out) {
  out->Clear();
  const vakt_flow_key& where = record.where;
  const auto time = [&](uint64_t boot_ns, google::protobuf::Timestamp* to) {
    FromWallNs(static_cast<int64_t>(boot_ns) + boot_to_wall_ns, to);
  };
  time(record.sums.first_boot_ns, out->mutable_begin());
  time(record.sums.last_boot_ns, out->mutable_end());
  time(record.first_seen_ns, out->mutable_first_seen());
  SetTask(record, out->mutable_task());
  Set(record.process->exe_path, out->mutable_executable());
  Set(record.process->cmdline, out->mutable_command_line());
  const Container* container = record.process->container.get();
  if (container != nullptr) ContainerToProto(*container, out->mutable_container());
  out->set_direction(static_cast<v1::Flow::Direction>(where.direction));
  const std::string_view local = Address(where, where.local_addr);
  const std::string_view remote = Address(where, where.remote_addr);
  if (where.direction != VAKT_FLOW_LISTEN) {
    out->set_class_(classes.Of(remote, local, container != nullptr));
  }
  out->set_transport(where.protocol == IPPROTO_TCP   ? v1::TRANSPORT_TCP
                     : where.protocol == IPPROTO_UDP ? v1::TRANSPORT_UDP
                                                     : v1::TRANSPORT_UNSPECIFIED);
  out->set_protocol(where.protocol);
  if (where.family != 0) {
    Set(local, out->mutable_local()->mutable_address());
    Set(remote, out->mutable_remote()->mutable_address());
    out->mutable_local()->set_port(where.local_port);
    out->mutable_remote()->set_port(where.remote_port);
  }
  for (const SharedString& name : names) {
    v1::RemoteName* to = out->add_names();
    Set(name, to->mutable_name());
    to->set_source(v1::RemoteName::SOURCE_DNS);
  }
  SetSums(record.sums, out);
}

}  // namespace vakt
