// SPDX-License-Identifier: Apache-2.0
#include "collector/door/connection.h"

#include <fcntl.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstddef>

#include "collector/door/peer.h"

namespace vakt {
namespace {

// A TLS record (RFC 8446, 5.1) that holds a ClientHello: type, version, length, type of message.
constexpr size_t kRecordHeaderBytes = 5, kPeekBytes = 6;
constexpr uint8_t kHandshakeRecord = 22, kClientHello = 1, kTlsMajor = 3;
constexpr size_t kMaxRecordBytes = 16384;

}  // namespace

Hello LookForHello(int fd) {
  std::array<uint8_t, kPeekBytes> head = {};
  const ssize_t count = recv(fd, head.data(), head.size(), MSG_PEEK | MSG_DONTWAIT);
  if (count < 0) return errno == EAGAIN || errno == EINTR ? Hello::kPartial : Hello::kNone;
  if (count == 0 || head[0] != kHandshakeRecord) return Hello::kNone;
  const size_t length = static_cast<size_t>(head[3]) << 8 | head[4];
  if (count > 1 && head[1] != kTlsMajor) return Hello::kNone;
  if (count < static_cast<ssize_t>(kPeekBytes)) return Hello::kPartial;
  if (head[5] != kClientHello || length > kMaxRecordBytes) return Hello::kNone;
  return BytesUnread(fd) >= kRecordHeaderBytes + length ? Hello::kWhole : Hello::kPartial;
}

void Reset(UniqueFd socket) {
  const linger now = {.l_onoff = 1, .l_linger = 0};
  setsockopt(socket.get(), SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}

void Break(int fd) {
  // connect(2): AF_UNSPEC dissolves the association. A shutdown would leave megabytes to be read.
  const sockaddr nowhere = {.sa_family = AF_UNSPEC, .sa_data = {}};
  connect(fd, &nowhere, sizeof(nowhere));
}

std::string PeerOfSocket(int fd) {
  sockaddr_storage address = {};
  socklen_t size = sizeof(address);
  if (getpeername(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return "";
  return PeerOf(address);
}

UniqueFd SameConnection(int fd, const std::string& peer) {
  UniqueFd socket(fcntl(fd, F_DUPFD_CLOEXEC, 0));
  if (socket && PeerOfSocket(socket.get()) != peer) socket.reset();
  return socket;
}

uint64_t BytesReceived(int fd) {
  tcp_info info = {};
  socklen_t size = sizeof(info);
  return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 ? info.tcpi_bytes_received : 0;
}

uint64_t BytesUnread(int fd) {
  int bytes = 0;
  return ioctl(fd, FIONREAD, &bytes) == 0 && bytes > 0 ? static_cast<uint64_t>(bytes) : 0;
}

}  // namespace vakt
