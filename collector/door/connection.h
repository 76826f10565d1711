// SPDX-License-Identifier: Apache-2.0
// What the kernel knows of a connection, and what can be done with it from outside. Descriptors may
// be gRPC's, which closes and opens them as it likes: who asks about one compares its peer.
// Thread-safe.
#ifndef VAKT_COLLECTOR_DOOR_CONNECTION_H_
#define VAKT_COLLECTOR_DOOR_CONNECTION_H_

#include <cstdint>
#include <string>

#include "common/base/unique_fd.h"

namespace vakt {

enum class Hello : uint8_t { kPartial, kWhole, kNone };

// Of what lies in the socket's buffer: the ClientHello of TLS. Takes nothing out of it.
Hello LookForHello(int fd);

// Closes with a reset: no state is kept for the peer.
void Reset(UniqueFd socket);

// The same for a connection of which others hold descriptors, too: to them it is broken, and what
// they have not read of it is gone.
void Break(int fd);

// As PeerOf. Empty: it is no connection.
std::string PeerOfSocket(int fd);

// A descriptor of the connection, when `fd`, which others may close and open, still is that one.
UniqueFd SameConnection(int fd, const std::string& peer);

// That the peer sent since the connection began, read or not. 0: it is no TCP connection.
uint64_t BytesReceived(int fd);
// Of these, those that nobody has read yet.
uint64_t BytesUnread(int fd);

}  // namespace vakt

#endif  // VAKT_COLLECTOR_DOOR_CONNECTION_H_
