// SPDX-License-Identifier: Apache-2.0
// Names of who connects, from addresses. Thread-safe.
#ifndef VAKT_COLLECTOR_DOOR_PEER_H_
#define VAKT_COLLECTOR_DOOR_PEER_H_

#include <sys/socket.h>

#include <string>
#include <string_view>

namespace vakt {

// One end of a connection: "10.0.0.1:4711", "[fd00::1]:4711".
std::string PeerOf(const sockaddr_storage& address);
// The same from gRPC's text: "ipv4:10.0.0.1:4711", "ipv6:%5Bfd00::1%5D:4711".
std::string PeerOfGrpc(std::string_view text);
// Whom an address stands for: "10.0.0.1", "fd00::/64". A host may use any address of its network.
std::string SourceOf(const sockaddr_storage& address);

}  // namespace vakt

#endif  // VAKT_COLLECTOR_DOOR_PEER_H_
