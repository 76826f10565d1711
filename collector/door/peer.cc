// SPDX-License-Identifier: Apache-2.0
#include "collector/door/peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <cstring>

#include "common/base/address.h"
#include "common/base/strings.h"

namespace vakt {
namespace {

constexpr size_t kNetworkBytes = 8;  // of an IPv6 address

struct Endpoint {
  std::string address;  // 4 or 16 bytes
  uint16_t port = 0;
};

Endpoint EndpointOf(const sockaddr_storage& storage) {
  if (storage.ss_family == AF_INET) {
    sockaddr_in v4;
    memcpy(&v4, &storage, sizeof(v4));
    return {{reinterpret_cast<const char*>(&v4.sin_addr), 4}, ntohs(v4.sin_port)};
  }
  if (storage.ss_family != AF_INET6) return {};
  sockaddr_in6 v6;
  memcpy(&v6, &storage, sizeof(v6));
  const std::string bytes(reinterpret_cast<const char*>(&v6.sin6_addr), 16);
  return {IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr) ? bytes.substr(12) : bytes, ntohs(v6.sin6_port)};
}

}  // namespace

std::string PeerOf(const sockaddr_storage& address) {
  const Endpoint endpoint = EndpointOf(address);
  const std::string text = AddressText(endpoint.address);
  if (endpoint.address.size() == 4) return StrCat(text, ":", endpoint.port);
  return StrCat("[", text, "]:", endpoint.port);
}

std::string PeerOfGrpc(std::string_view text) {
  std::string peer(text.substr(text.find(':') + 1));
  if (!text.starts_with("ipv6:")) return peer;
  const size_t colon = peer.rfind(':');
  std::string address = peer.substr(0, colon);
  for (const char* bracket : {"%5B", "%5D", "[", "]"}) {
    if (const size_t at = address.find(bracket); at != std::string::npos) {
      address.erase(at, strlen(bracket));
    }
  }
  address.resize(std::min(address.size(), address.find('%')));  // the interface of a local address
  return StrCat("[", address, "]", colon == std::string::npos ? "" : peer.substr(colon));
}

std::string SourceOf(const sockaddr_storage& address) {
  std::string bytes = EndpointOf(address).address;
  if (bytes.size() != 16) return AddressText(bytes);
  bytes.replace(kNetworkBytes, 16 - kNetworkBytes, 16 - kNetworkBytes, '\0');
  return StrCat(AddressText(bytes), "/64");
}

}  // namespace vakt
