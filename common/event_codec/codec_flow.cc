// SPDX-License-Identifier: Apache-2.0
// Events that the agent makes itself: flows and name servers' answers.
#include <algorithm>
#include <cstdint>

#include "common/event_codec/codec_parts.h"
#include "common/event_codec/flow_codec.h"
#include "common/time/wall_time.h"

namespace vakt {
namespace {

// A value that this version does not know is kUnknown.
template <typename To, typename From>
To EnumFromProto(From in, bool is_valid) {
  return is_valid ? static_cast<To>(in) : To::kUnknown;
}

Transport TransportFromProto(v1::Transport in) {
  return EnumFromProto<Transport>(in, v1::Transport_IsValid(in));
}

FlowSums SumsFromProto(const v1::Flow& in) {
  return {.connections = in.connections(),
          .established = in.established(),
          .refused = in.refused(),
          .timed_out = in.timed_out(),
          .reset = in.reset(),
          .bytes_out = in.bytes_out(),
          .bytes_in = in.bytes_in(),
          .packets_out = in.packets_out(),
          .packets_in = in.packets_in(),
          .retransmits = in.retransmits(),
          .open = in.open_connections(),
          .folded = in.folded_flows()};
}

bool FactsFromProto(const v1::Flow& in, FlowReport* out) {
  if (in.protocol() > 0xffff) return false;
  out->begin_wall_ns = ToWallNs(in.begin());
  out->end_wall_ns = ToWallNs(in.end());
  out->first_seen_wall_ns = ToWallNs(in.first_seen());
  out->direction =
      EnumFromProto<FlowDirection>(in.direction(), v1::Flow::Direction_IsValid(in.direction()));
  out->remote_class = EnumFromProto<FlowClass>(in.class_(), v1::Flow::Class_IsValid(in.class_()));
  out->transport = TransportFromProto(in.transport());
  out->protocol = static_cast<uint16_t>(in.protocol());
  out->has_addresses = in.has_local() || in.has_remote();
  out->ipv6 = in.remote().address().size() == kIpv6Bytes;
  for (const v1::RemoteName& name : in.names()) {
    if (out->name_count == kMaxFlowNames) break;
    out->names[out->name_count++] = {
        name.name(),
        EnumFromProto<NameSource>(name.source(), v1::RemoteName::Source_IsValid(name.source()))};
  }
  for (const std::string& client : in.tls_clients()) {
    if (out->tls_client_count == kMaxTlsClients) break;
    out->tls_clients[out->tls_client_count++] = client;
  }
  out->remote_namespace = in.remote_namespace();
  out->remote_pod = in.remote_pod();
  out->country = in.country();
  out->as_number = in.as_number();
  out->sums = SumsFromProto(in);
  return !out->has_addresses || (EndpointFromProto(in.local(), out->ipv6, &out->local) &&
                                 EndpointFromProto(in.remote(), out->ipv6, &out->remote));
}

void KnowledgeToProto(const FlowReport& flow, v1::NetworkFlow* out) {
  v1::NetworkFlow::Memory* memory = out->mutable_memory();
  memory->set_known_ns(flow.known_ns);
  memory->set_new_peer(flow.new_peer);
  memory->set_new_external(flow.new_external);
  memory->set_full(flow.memory_full);
  v1::NetworkFlow::Rhythm* rhythm = out->mutable_rhythm();
  rhythm->set_contacts(flow.rhythm_contacts);
  rhythm->set_period_ns(flow.rhythm_period_ns);
  rhythm->set_jitter_permille(flow.rhythm_jitter_permille);
  v1::NetworkFlow::Reach* reach = out->mutable_reach();
  reach->set_addresses(flow.reach_addresses);
  reach->set_ports(flow.reach_ports);
  reach->set_ports_of_peer(flow.reach_ports_of_peer);
  reach->set_addresses_of_port(flow.reach_addresses_of_port);
  reach->set_folded(flow.reach_folded);
  reach->set_unanswered(flow.reach_unanswered);
}

void KnowledgeFromProto(const v1::NetworkFlow& in, FlowReport* out) {
  out->known_ns = in.memory().known_ns();
  out->new_peer = in.memory().new_peer();
  out->new_external = in.memory().new_external();
  out->memory_full = in.memory().full();
  out->rhythm_contacts = in.rhythm().contacts();
  out->rhythm_period_ns = in.rhythm().period_ns();
  out->rhythm_jitter_permille = in.rhythm().jitter_permille();
  out->reach_addresses = in.reach().addresses();
  out->reach_ports = in.reach().ports();
  out->reach_ports_of_peer = in.reach().ports_of_peer();
  out->reach_addresses_of_port = in.reach().addresses_of_port();
  out->reach_folded = in.reach().folded();
  out->reach_unanswered = in.reach().unanswered();
}

}  // namespace

void ToProto_network_flow(const Event& event, v1::NetworkFlow* out) {
  const FlowReport& flow = event.flow;
  out->set_state(static_cast<v1::NetworkFlow::State>(flow.state));
  FlowFactsToProto(flow, out->mutable_flow());
  out->set_total_connections(flow.total_connections);
  out->set_total_bytes_out(flow.total_bytes_out);
  out->set_total_bytes_in(flow.total_bytes_in);
  out->set_day_bytes_out(flow.day_bytes_out);
  KnowledgeToProto(flow, out);
  Set(flow.segment, out->mutable_segment());
  Set(flow.remote_segment, out->mutable_remote_segment());
  out->set_segments_apart(flow.segments_apart);
}

bool FromProto_network_flow(const v1::NetworkFlow& in, std::string*, Event* out) {
  FlowReport& flow = out->flow;
  flow.state = EnumFromProto<FlowState>(in.state(), v1::NetworkFlow::State_IsValid(in.state()));
  flow.total_connections = in.total_connections();
  flow.total_bytes_out = in.total_bytes_out();
  flow.total_bytes_in = in.total_bytes_in();
  flow.day_bytes_out = in.day_bytes_out();
  KnowledgeFromProto(in, &flow);
  flow.segment = in.segment();
  flow.remote_segment = in.remote_segment();
  flow.segments_apart = in.segments_apart();
  return FactsFromProto(in.flow(), &flow);
}

void ToProto_network_dns(const Event& event, v1::NetworkDns* out) {
  const DnsReport& dns = event.dns;
  EndpointToProto(dns.server, dns.ipv6, out->mutable_server());
  out->set_transport(static_cast<v1::Transport>(dns.transport));
  Set(dns.name, out->mutable_name());
  out->set_type(dns.type);
  out->set_rcode(dns.rcode);
  for (std::string_view rest = dns.addresses; !rest.empty();) {
    const size_t size = std::min<size_t>(static_cast<uint8_t>(rest[0]), rest.size() - 1);
    Set(rest.substr(1, size), out->add_addresses());
    rest.remove_prefix(1 + size);
  }
  for (std::string_view rest = dns.aliases; !rest.empty();) {
    const size_t size = std::min(rest.find('\0'), rest.size());
    Set(rest.substr(0, size), out->add_aliases());
    rest.remove_prefix(std::min(size + 1, rest.size()));
  }
  out->set_answers(dns.answers);
  out->set_ttl_seconds(dns.ttl_seconds);
  out->set_size_bytes(dns.size_bytes);
  out->set_truncated(dns.truncated);
}

bool FromProto_network_dns(const v1::NetworkDns& in, std::string* storage, Event* out) {
  DnsReport& dns = out->dns;
  dns.transport = TransportFromProto(in.transport());
  dns.name = in.name();
  dns.type = in.type();
  dns.rcode = in.rcode();
  storage->clear();
  for (const std::string& address : in.addresses()) {
    if (address.size() != kIpv4Bytes && address.size() != kIpv6Bytes) return false;
    storage->push_back(static_cast<char>(address.size()));
    storage->append(address);
  }
  const size_t addresses = storage->size();
  for (const std::string& alias : in.aliases()) storage->append(alias).push_back('\0');
  dns.addresses = std::string_view(*storage).substr(0, addresses);
  dns.aliases = std::string_view(*storage).substr(addresses);
  dns.answers = in.answers();
  dns.ttl_seconds = in.ttl_seconds();
  dns.size_bytes = in.size_bytes();
  dns.truncated = in.truncated();
  dns.ipv6 = in.server().address().size() == kIpv6Bytes;
  return EndpointFromProto(in.server(), dns.ipv6, &dns.server);
}

}  // namespace vakt
