// SPDX-License-Identifier: Apache-2.0
#include <sys/socket.h>

#include <cstdint>

#include "common/event_codec/codec_parts.h"

namespace vakt {
namespace {

void NetworkToProto(const Network& network, v1::Socket* out) {
  EndpointToProto(network.local, network.ipv6, out->mutable_local());
  EndpointToProto(network.remote, network.ipv6, out->mutable_remote());
  out->set_transport(static_cast<v1::Transport>(network.transport));
  out->set_v4_mapped(network.v4_mapped);
  out->set_fd(network.fd);
  out->set_family(network.family);
  out->set_type(network.type);
  out->set_protocol(network.protocol);
  out->set_argument(network.argument);
  Set(network.path, out->mutable_path());
  out->set_path_status(static_cast<v1::File::PathStatus>(network.path_status));
}

bool NetworkFromProto(const v1::Socket& in, Network* out) {
  if (in.family() > 0xffff || in.type() > 0xffff || in.protocol() > 0xffff) return false;
  out->ipv6 = in.remote().address().size() == kIpv6Bytes;
  out->v4_mapped = in.v4_mapped();
  out->fd = in.fd();
  if (v1::Transport_IsValid(in.transport())) {
    out->transport = static_cast<Transport>(in.transport());
  }
  out->family = static_cast<uint16_t>(in.family());
  if (in.family() == 0) out->family = out->ipv6 ? AF_INET6 : AF_INET;  // older recordings
  out->type = static_cast<uint16_t>(in.type());
  out->protocol = static_cast<uint16_t>(in.protocol());
  out->argument = in.argument();
  out->path = in.path();
  out->path_status = PathStatusFromProto(in.path_status());
  return EndpointFromProto(in.local(), out->ipv6, &out->local) &&
         EndpointFromProto(in.remote(), out->ipv6, &out->remote);
}

}  // namespace

#define VAKT_NETWORK(stem)                                                    \
  void ToProto_##stem(const Event& event, Message_##stem* out) {              \
    NetworkToProto(event.network, out);                                       \
  }                                                                           \
  bool FromProto_##stem(const Message_##stem& in, std::string*, Event* out) { \
    return NetworkFromProto(in, &out->network);                               \
  }
VAKT_NETWORK(network_connect)
VAKT_NETWORK(network_accept)
VAKT_NETWORK(network_socket)
VAKT_NETWORK(network_bind)
VAKT_NETWORK(network_listen)
VAKT_NETWORK(network_send)
VAKT_NETWORK(network_receive)
VAKT_NETWORK(network_dup)
#undef VAKT_NETWORK

}  // namespace vakt
