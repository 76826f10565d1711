// SPDX-License-Identifier: Apache-2.0
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>

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

Network DecodeNetwork(const vakt_network& wire, WireRecord& record) {
  const bool ipv6 = wire.family == AF_INET6;
  if (!ipv6 && wire.family != AF_INET) record.Fail(DropReason::kBadValue);
  return {
      .local = DecodeEndpoint(wire.local_addr, wire.local_port, ipv6),
      .remote = DecodeEndpoint(wire.remote_addr, wire.remote_port, ipv6),
      .ipv6 = ipv6,
      .v4_mapped = (wire.flags & VAKT_NET_V4_MAPPED) != 0,
      .transport = wire.protocol == IPPROTO_TCP   ? Transport::kTcp
                   : wire.protocol == IPPROTO_UDP ? Transport::kUdp
                                                  : Transport::kUnknown,
      .fd = wire.fd,
  };
}

}  // namespace

void Decoder::Decode_network_connect(WireRecord& record, Event* out) {
  const auto wire = record.Read<vakt_network>();
  out->type = connect_;
  out->result = wire.result;
  out->task = DecodeActor(wire, record);
  out->network = DecodeNetwork(wire, record);
}

void Decoder::Decode_network_accept(WireRecord& record, Event* out) {
  const auto wire = record.Read<vakt_network>();
  out->type = accept_;
  out->task = DecodeActor(wire, record);
  out->network = DecodeNetwork(wire, record);
  // accept(2) returns the descriptor.
  out->result = wire.result < 0 ? wire.result : std::max(wire.fd, 0);
}

}  // namespace vakt
