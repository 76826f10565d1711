// SPDX-License-Identifier: Apache-2.0
// HTTP/2 over mutual TLS by hand, for clients that no library would let you write: frames in any
// order, of any size, cut anywhere. Blocking, with a time limit on every wait.
//
//   RawHttp2 client(address, certificates);
//   client.Begin();
//   client.Send(HeadersFrame(1, GrpcHeaders("/vakt.v1.Ingest/Connect")) + DataFrame(1, message));
//   client.AwaitEnds(1, absl::Seconds(1));
//
// Threads: thread-compatible.
#ifndef VAKT_TESTS_INTEGRATION_RAW_HTTP2_H_
#define VAKT_TESTS_INTEGRATION_RAW_HTTP2_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "common/base/unique_fd.h"
#include "tests/support/dev_certificates.h"

struct ssl_st;
struct ssl_ctx_st;

namespace vakt {

// RFC 9113, section 6.
enum class FrameType : uint8_t {
  kData = 0,
  kHeaders = 1,
  kRstStream = 3,
  kSettings = 4,
  kPing = 6,
  kGoAway = 7,
  kWindowUpdate = 8,
  kContinuation = 9,
};
inline constexpr uint8_t kEndStream = 1, kAck = 1, kEndHeaders = 4;

std::string Frame(FrameType type, uint8_t flags, uint32_t stream, std::string_view payload);
// Header block (RFC 7541) of literals without indexing.
std::string HeaderBlock(const std::vector<std::pair<std::string, std::string>>& headers);
// What a gRPC call begins with; `more` follow.
std::string GrpcHeaders(const std::string& path,
                        const std::vector<std::pair<std::string, std::string>>& more = {});
std::string HeadersFrame(uint32_t stream, std::string_view block, uint8_t flags = kEndHeaders);
// gRPC's frame around a message, in DATA frames of at most 16 KiB.
std::string MessageFrames(uint32_t stream, std::string_view message, uint8_t flags = 0);
std::string GrpcMessage(std::string_view message, bool compressed = false);
std::string RstFrame(uint32_t stream, uint32_t code);

// A TCP connection to 127.0.0.1:port of `address`, from the address `from` when that is not empty;
// not open when it was refused.
UniqueFd ConnectTcp(const std::string& address, const std::string& from = "");

class RawHttp2 {
 public:
  // Connects, with the TLS handshake. is_open() says whether that worked.
  RawHttp2(const std::string& address, const CertificateSet& certificates,
           const std::string& from = "");
  ~RawHttp2();
  RawHttp2(const RawHttp2&) = delete;
  RawHttp2& operator=(const RawHttp2&) = delete;

  bool is_open() const { return open_; }
  // The preface and empty settings.
  bool Begin();
  // False: the other side has gone, or took nothing for a second.
  bool Send(std::string_view bytes);
  // Reads what is there, and waits until `count` more streams have ended, for `limit` at most.
  // Answers settings and pings. Returns how many have ended.
  size_t AwaitEnds(size_t count, absl::Duration limit);
  // Until the other side closes; false when it has not within `limit`.
  bool AwaitClose(absl::Duration limit);
  // The other side has said that it will take no more.
  bool told_to_go() const { return told_to_go_; }

 private:
  // Some bytes into buffer_; false: nothing came within `limit`, or the connection has ended.
  bool Read(absl::Duration limit);
  // Takes one frame from buffer_, if there is a whole one.
  bool TakeFrame(size_t* ended);

  UniqueFd socket_;
  ssl_ctx_st* context_ = nullptr;
  ssl_st* ssl_ = nullptr;
  bool open_ = false;
  bool told_to_go_ = false;
  std::string buffer_;
};

}  // namespace vakt

#endif  // VAKT_TESTS_INTEGRATION_RAW_HTTP2_H_
