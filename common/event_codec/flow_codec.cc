// SPDX-License-Identifier: Apache-2.0
#include "common/event_codec/flow_codec.h"

#include "common/event/process.h"
#include "common/event_codec/codec_parts.h"
#include "common/event_codec/container_codec.h"
#include "common/time/wall_time.h"

namespace vakt {
namespace {

void SumsToProto(const FlowSums& sums, v1::Flow* out) {
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

void FlowFactsToProto(const FlowReport& flow, v1::Flow* out) {
  out->Clear();
  FromWallNs(flow.begin_wall_ns, out->mutable_begin());
  FromWallNs(flow.end_wall_ns, out->mutable_end());
  FromWallNs(flow.first_seen_wall_ns, out->mutable_first_seen());
  out->set_direction(static_cast<v1::Flow::Direction>(flow.direction));
  out->set_class_(static_cast<v1::Flow::Class>(flow.remote_class));
  out->set_transport(static_cast<v1::Transport>(flow.transport));
  out->set_protocol(flow.protocol);
  if (flow.has_addresses) {
    EndpointToProto(flow.local, flow.ipv6, out->mutable_local());
    EndpointToProto(flow.remote, flow.ipv6, out->mutable_remote());
  }
  for (uint32_t i = 0; i < flow.name_count; ++i) {
    v1::RemoteName* name = out->add_names();
    Set(flow.names[i].text, name->mutable_name());
    name->set_source(static_cast<v1::RemoteName::Source>(flow.names[i].source));
  }
  for (uint32_t i = 0; i < flow.tls_client_count; ++i) {
    Set(flow.tls_clients[i], out->add_tls_clients());
  }
  Set(flow.remote_namespace, out->mutable_remote_namespace());
  Set(flow.remote_pod, out->mutable_remote_pod());
  Set(flow.country, out->mutable_country());
  out->set_as_number(flow.as_number);
  SumsToProto(flow.sums, out);
}

void FlowToProto(const Event& event, v1::Flow* out) {
  FlowFactsToProto(event.flow, out);
  TaskToProto(event.task, out->mutable_task());
  if (event.process == nullptr) return;
  Set(event.process->exe_path, out->mutable_executable());
  Set(event.process->cmdline, out->mutable_command_line());
  if (event.process->container != nullptr) {
    ContainerToProto(*event.process->container, out->mutable_container());
  }
}

}  // namespace vakt
