// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>

#include "common/event_codec/codec_parts.h"

namespace vakt {
namespace {

constexpr size_t kIpv4Bytes = 4;
constexpr size_t kIpv6Bytes = 16;

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

}  // namespace

void ToProto_network_connect(const Event& event, v1::NetworkConnect* out) {
  NetworkToProto(event.network, out);
}

bool FromProto_network_connect(const v1::NetworkConnect& in, std::string*, Event* out) {
  return NetworkFromProto(in, &out->network);
}

void ToProto_network_accept(const Event& event, v1::NetworkAccept* out) {
  NetworkToProto(event.network, out);
}

bool FromProto_network_accept(const v1::NetworkAccept& in, std::string*, Event* out) {
  return NetworkFromProto(in, &out->network);
}

}  // namespace vakt
