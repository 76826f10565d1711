// SPDX-License-Identifier: Apache-2.0
#include "agent/flow/flow_report.h"

#include <netinet/in.h>

#include <algorithm>
#include <cstring>
#include <string_view>

#include "common/event/container.h"

namespace vakt {
namespace {

static_assert(VAKT_FLOW_OUT == static_cast<int>(FlowDirection::kOut));
static_assert(VAKT_FLOW_IN == static_cast<int>(FlowDirection::kIn));
static_assert(VAKT_FLOW_LISTEN == static_cast<int>(FlowDirection::kListen));

// Of the address's own length; empty when it is not known.
std::string_view Address(const vakt_flow_key& key, const __u8* bytes) {
  if (key.family == 0) return {};
  return {reinterpret_cast<const char*>(bytes), key.family == AF_INET6 ? size_t{16} : size_t{4}};
}

FlowSums SumsOf(const vakt_flow_counts& sums) {
  return {.connections = sums.connections,
          .established = sums.established,
          .refused = sums.refused,
          .timed_out = sums.timed_out,
          .reset = sums.reset,
          .bytes_out = sums.bytes_out,
          .bytes_in = sums.bytes_in,
          .packets_out = sums.packets_out,
          .packets_in = sums.packets_in,
          .retransmits = sums.retransmits,
          .open = sums.open,
          .folded = sums.folded};
}

void SetEnds(const vakt_flow_key& where, FlowReport* out) {
  out->has_addresses = where.family != 0;
  if (!out->has_addresses) return;
  out->ipv6 = where.family == AF_INET6;
  const size_t size = out->ipv6 ? 16 : 4;
  std::copy_n(where.local_addr, size, out->local.address.begin());
  std::copy_n(where.remote_addr, size, out->remote.address.begin());
  out->local.port = where.local_port;
  out->remote.port = where.remote_port;
}

void AddNames(const std::vector<SharedString>& names, NameSource source, FlowReport* out) {
  for (const SharedString& name : names) {
    if (out->name_count == kMaxFlowNames) break;
    out->names[out->name_count++] = {name, source};
  }
}

}  // namespace

Process ProcessOf(const FlowProcess& process) {
  Process out;
  out.cookie = process.cookie;
  out.pid = process.pid;
  out.uid = out.euid = process.uid;
  out.comm = process.comm;
  out.exe_path = process.exe_path;
  out.cmdline = process.cmdline;
  out.user_name = out.user_home = out.user_shell = out.group_name = out.login_name =
      SharedString("<NA>");
  out.container = process.container;
  out.container_id = SharedString("host");
  out.exited = true;
  if (process.container != nullptr) {
    constexpr size_t kShortIdSize = 12;
    const std::string_view id = process.container->id;
    out.container_id = SharedString(id.substr(0, kShortIdSize));
    out.container_full_id = SharedString(id);
  }
  return out;
}

void SetTask(const Process& process, uint32_t net_ns, Task* out) {
  *out = {.cookie = process.cookie,
          .parent_cookie = process.parent_cookie,
          .cgroup_id = process.cgroup_id,
          .cap_effective = process.cap_effective,
          .pid = process.pid,
          .tid = process.pid,
          .ppid = process.ppid,
          .uid = process.uid,
          .gid = process.gid,
          .euid = process.euid,
          .egid = process.egid,
          .mnt_ns = process.mnt_ns,
          .pid_ns = process.pid_ns,
          .net_ns = net_ns != 0 ? net_ns : process.net_ns,
          .user_ns = process.user_ns,
          .kernel_thread = process.kernel_thread,
          .comm = process.comm,
          .process_comm = process.comm};
}

void MakeFlowEvent(const FlowRecord& record, const AddressClasses& classes,
                   const RemoteNames& names, uint64_t boot_ns, int64_t boot_to_wall_ns,
                   const Process* snapshot, Event* out) {
  static const EventTypeId kType = FindEventType("flow")->id;
  const auto wall = [boot_to_wall_ns](uint64_t at) {
    return static_cast<int64_t>(at) + boot_to_wall_ns;
  };
  Reset(out);
  out->kind = Kind::network_flow;
  out->type = kType;
  out->lane = Lane::BULK;
  out->boot_ns = boot_ns;
  out->wall_ns = wall(boot_ns);
  out->process = snapshot;
  SetTask(record.live != nullptr ? *record.live : *snapshot, record.where.net_ns, &out->task);
  FlowReport& flow = out->flow;
  const vakt_flow_key& where = record.where;
  flow.state = record.state;
  flow.direction = static_cast<FlowDirection>(where.direction);
  flow.protocol = where.protocol;
  flow.transport = where.protocol == IPPROTO_TCP   ? Transport::kTcp
                   : where.protocol == IPPROTO_UDP ? Transport::kUdp
                                                   : Transport::kUnknown;
  SetEnds(where, &flow);
  if (where.direction != VAKT_FLOW_LISTEN) {
    flow.remote_class = static_cast<FlowClass>(classes.Of(Address(where, where.remote_addr),
                                                          Address(where, where.local_addr),
                                                          record.process->container != nullptr));
  }
  AddNames(names.dns, NameSource::kDns, &flow);
  AddNames(names.sni, NameSource::kSni, &flow);
  for (const SharedString& client : names.clients) {
    if (flow.tls_client_count == kMaxTlsClients) break;
    flow.tls_clients[flow.tls_client_count++] = client;
  }
  flow.begin_wall_ns = wall(record.sums.first_boot_ns);
  flow.end_wall_ns = wall(record.sums.last_boot_ns);
  flow.first_seen_wall_ns = wall(record.first_seen_ns);
  flow.sums = SumsOf(record.sums);
  flow.total_connections = record.total_connections;
  flow.total_bytes_out = record.total_bytes_out;
  flow.total_bytes_in = record.total_bytes_in;
}

}  // namespace vakt
