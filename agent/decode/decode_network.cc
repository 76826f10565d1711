// SPDX-License-Identifier: Apache-2.0
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "agent/decode/decode_parts.h"
#include "agent/decode/decoder.h"

namespace vakt {
namespace {

// Copies the bytes that belong to the family only: the rest is zero by contract of the event.
Endpoint DecodeEndpoint(const uint8_t (&address)[16], uint16_t port, bool ipv6) {
  Endpoint endpoint;
  std::copy_n(address, ipv6 ? 16 : 4, endpoint.address.begin());
  endpoint.port = port;
  return endpoint;
}

bool IsInternet(uint16_t family) { return family == AF_INET || family == AF_INET6; }

Transport TransportOf(const vakt_network& wire) {
  if (!IsInternet(wire.family)) return Transport::kUnknown;
  switch (wire.protocol) {
    case IPPROTO_TCP:
      return Transport::kTcp;
    case IPPROTO_UDP:
      return Transport::kUdp;
    case 0:  // socket(2): the family's own
      return wire.type == SOCK_STREAM  ? Transport::kTcp
             : wire.type == SOCK_DGRAM ? Transport::kUdp
                                       : Transport::kUnknown;
    default:
      return Transport::kUnknown;
  }
}

Network DecodeNetwork(const vakt_network& wire) {
  const bool ipv6 = wire.family == AF_INET6;
  Network network = {
      .ipv6 = ipv6,
      .v4_mapped = (wire.flags & VAKT_NET_V4_MAPPED) != 0,
      .transport = TransportOf(wire),
      .fd = wire.fd,
      .family = wire.family,
      .type = wire.type,
      .protocol = wire.protocol,
      .argument = wire.argument,
  };
  if (IsInternet(wire.family)) {
    network.local = DecodeEndpoint(wire.local_addr, wire.local_port, ipv6);
    network.remote = DecodeEndpoint(wire.remote_addr, wire.remote_port, ipv6);
  }
  return network;
}

// The name of a unix socket: a path, or, with a NUL in front, an abstract name, which is written
// with an '@' there.
std::string_view UnixName(std::string_view name, std::string* scratch) {
  if (name.empty()) return {};
  if (name.front() != '\0') return name.substr(0, name.find('\0'));
  scratch->assign(name);
  scratch->front() = '@';
  return *scratch;
}

}  // namespace

void Decoder::DecodeSocket(Kind kind, WireRecord& record, Event* out) {
  const auto wire = record.Read<vakt_network>();
  out->type = TypeOf(kind, static_cast<int>(wire.syscall_nr));
  out->result = wire.result;
  DecodeActor(wire, record, out);
  out->network = DecodeNetwork(wire);
  if (wire.family != AF_UNIX) return;
  out->network.path = UnixName(record.String(wire.path), &scratch_);
  out->network.path_status = (wire.facts & VAKT_NAME_CLAIMED) != 0
                                 ? PathStatus::kClaimed
                                 : DecodePathStatus(wire.path_status);
}

void Decoder::Decode_network_connect(WireRecord& record, Event* out) {
  DecodeSocket(Kind::network_connect, record, out);
  out->type = connect_;
}

void Decoder::Decode_network_accept(WireRecord& record, Event* out) {
  DecodeSocket(Kind::network_accept, record, out);
  out->type = accept_;
  if (!IsInternet(out->network.family)) record.Fail(DropReason::kBadValue);
  // accept(2) returns the descriptor.
  if (out->result >= 0) out->result = std::max(out->network.fd, 0);
}

void Decoder::Decode_network_socket(WireRecord& record, Event* out) {
  DecodeSocket(Kind::network_socket, record, out);
}

void Decoder::Decode_network_bind(WireRecord& record, Event* out) {
  DecodeSocket(Kind::network_bind, record, out);
}

void Decoder::Decode_network_listen(WireRecord& record, Event* out) {
  DecodeSocket(Kind::network_listen, record, out);
}

void Decoder::Decode_network_send(WireRecord& record, Event* out) {
  DecodeSocket(Kind::network_send, record, out);
}

void Decoder::Decode_network_receive(WireRecord& record, Event* out) {
  DecodeSocket(Kind::network_receive, record, out);
}

void Decoder::Decode_network_dup(WireRecord& record, Event* out) {
  DecodeSocket(Kind::network_dup, record, out);
}

}  // namespace vakt
