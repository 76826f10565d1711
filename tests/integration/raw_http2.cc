// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/raw_http2.h"

#include <arpa/inet.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstdlib>

#include "absl/time/clock.h"
#include "common/base/strings.h"

namespace vakt {
namespace {

constexpr size_t kFrameHeaderBytes = 9;
constexpr size_t kMaxFrameBytes = 16384;
constexpr absl::Duration kSendLimit = absl::Seconds(1);

void AppendBigEndian(uint64_t value, int bytes, std::string* out) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) {
    out->push_back(static_cast<char>(value >> shift));
  }
}

// RFC 7541, section 5.1, with a prefix of 7 bits.
void AppendLength(size_t length, std::string* out) {
  if (length < 127) {
    out->push_back(static_cast<char>(length));
    return;
  }
  out->push_back(127);
  for (length -= 127; length >= 128; length /= 128) {
    out->push_back(static_cast<char>(length % 128 + 128));
  }
  out->push_back(static_cast<char>(length));
}

using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;

void UseCertificates(SSL_CTX* context, const CertificateSet& certificates) {
  const Bio cert(BIO_new_mem_buf(certificates.cert_pem.data(), -1), BIO_free);
  const Bio key(BIO_new_mem_buf(certificates.key_pem.data(), -1), BIO_free);
  X509* const x509 = PEM_read_bio_X509(cert.get(), nullptr, nullptr, nullptr);
  EVP_PKEY* const pkey = PEM_read_bio_PrivateKey(key.get(), nullptr, nullptr, nullptr);
  SSL_CTX_use_certificate(context, x509);
  SSL_CTX_use_PrivateKey(context, pkey);
  X509_free(x509);
  EVP_PKEY_free(pkey);
}

bool AwaitReady(int fd, short events, absl::Duration limit) {
  pollfd poller = {fd, events, 0};
  return poll(&poller, 1, static_cast<int>(absl::ToInt64Milliseconds(limit))) > 0;
}

}  // namespace

std::string Frame(FrameType type, uint8_t flags, uint32_t stream, std::string_view payload) {
  std::string frame;
  AppendBigEndian(payload.size(), 3, &frame);
  frame.push_back(static_cast<char>(type));
  frame.push_back(static_cast<char>(flags));
  AppendBigEndian(stream, 4, &frame);
  return frame.append(payload);
}

std::string HeaderBlock(const std::vector<std::pair<std::string, std::string>>& headers) {
  std::string block;
  for (const auto& [name, value] : headers) {
    block.push_back(0);
    AppendLength(name.size(), &block);
    block += name;
    AppendLength(value.size(), &block);
    block += value;
  }
  return block;
}

std::string GrpcHeaders(const std::string& path,
                        const std::vector<std::pair<std::string, std::string>>& more) {
  return HeaderBlock({{":method", "POST"},
                      {":scheme", "https"},
                      {":path", path},
                      {":authority", "localhost"},
                      {"te", "trailers"},
                      {"content-type", "application/grpc"}}) +
         HeaderBlock(more);
}

std::string HeadersFrame(uint32_t stream, std::string_view block, uint8_t flags) {
  return Frame(FrameType::kHeaders, flags, stream, block);
}

std::string GrpcMessage(std::string_view message, bool compressed) {
  std::string framed(1, compressed ? 1 : 0);
  AppendBigEndian(message.size(), 4, &framed);
  return framed.append(message);
}

std::string MessageFrames(uint32_t stream, std::string_view message, uint8_t flags) {
  const std::string framed = GrpcMessage(message);
  std::string out;
  for (size_t at = 0; at < framed.size(); at += kMaxFrameBytes) {
    const bool last = at + kMaxFrameBytes >= framed.size();
    out += Frame(FrameType::kData, last ? flags : 0, stream,
                 std::string_view(framed).substr(at, kMaxFrameBytes));
  }
  return out;
}

std::string RstFrame(uint32_t stream, uint32_t code) {
  std::string payload;
  AppendBigEndian(code, 4, &payload);
  return Frame(FrameType::kRstStream, 0, stream, payload);
}

UniqueFd ConnectTcp(const std::string& address, const std::string& from) {
  UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!from.empty()) {
    sockaddr_in own = {};
    own.sin_family = AF_INET;
    inet_pton(AF_INET, from.c_str(), &own.sin_addr);
    if (bind(fd.get(), reinterpret_cast<sockaddr*>(&own), sizeof(own)) != 0) fd.reset();
  }
  sockaddr_in to = {};
  to.sin_family = AF_INET;
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  to.sin_port =
      htons(static_cast<uint16_t>(std::atoi(address.substr(address.rfind(':') + 1).c_str())));
  if (connect(fd.get(), reinterpret_cast<sockaddr*>(&to), sizeof(to)) != 0) fd.reset();
  return fd;
}

RawHttp2::RawHttp2(const std::string& address, const CertificateSet& certificates,
                   const std::string& from)
    : socket_(ConnectTcp(address, from)), context_(SSL_CTX_new(TLS_client_method())) {
  if (!socket_) return;
  UseCertificates(context_, certificates);
  const unsigned char alpn[] = "\x02h2";
  SSL_CTX_set_alpn_protos(context_, alpn, 3);
  ssl_ = SSL_new(context_);
  SSL_set_fd(ssl_, socket_.get());
  const timeval limit = {2, 0};
  setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  setsockopt(socket_.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
  open_ = SSL_connect(ssl_) == 1;
}

RawHttp2::~RawHttp2() {
  SSL_free(ssl_);
  SSL_CTX_free(context_);
}

bool RawHttp2::Begin() {
  return Send(StrCat("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Frame(FrameType::kSettings, 0, 0, "")));
}

bool RawHttp2::Send(std::string_view bytes) {
  while (open_ && !bytes.empty()) {
    if (!AwaitReady(socket_.get(), POLLOUT, kSendLimit)) return false;
    const int sent =
        SSL_write(ssl_, bytes.data(), static_cast<int>(std::min<size_t>(bytes.size(), 1 << 20)));
    if (sent <= 0) open_ = false;
    if (sent > 0) bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return open_;
}

bool RawHttp2::Read(absl::Duration limit) {
  if (!open_) return false;
  if (SSL_pending(ssl_) == 0 && !AwaitReady(socket_.get(), POLLIN, limit)) return false;
  char bytes[65536];
  const int count = SSL_read(ssl_, bytes, sizeof(bytes));
  if (count <= 0) {
    open_ = false;
    return false;
  }
  buffer_.append(bytes, static_cast<size_t>(count));
  return true;
}

bool RawHttp2::TakeFrame(size_t* ended) {
  if (buffer_.size() < kFrameHeaderBytes) return false;
  const auto byte = [this](size_t at) { return static_cast<uint8_t>(buffer_[at]); };
  const size_t length = static_cast<size_t>(byte(0)) << 16 | byte(1) << 8 | byte(2);
  if (buffer_.size() < kFrameHeaderBytes + length) return false;
  const auto type = static_cast<FrameType>(byte(3));
  const uint8_t flags = byte(4);
  const std::string payload = buffer_.substr(kFrameHeaderBytes, length);
  buffer_.erase(0, kFrameHeaderBytes + length);
  switch (type) {
    case FrameType::kHeaders:
    case FrameType::kData:
      *ended += (flags & kEndStream) != 0 ? 1 : 0;
      break;
    case FrameType::kRstStream:
      ++*ended;
      break;
    case FrameType::kSettings:
      if ((flags & kAck) == 0) Send(Frame(type, kAck, 0, ""));
      break;
    case FrameType::kPing:
      if ((flags & kAck) == 0) Send(Frame(type, kAck, 0, payload));
      break;
    case FrameType::kGoAway:
      told_to_go_ = true;
      break;
    default:
      break;
  }
  return true;
}

size_t RawHttp2::AwaitEnds(size_t count, absl::Duration limit) {
  const absl::Time deadline = absl::Now() + limit;
  size_t ended = 0;
  while (true) {
    while (TakeFrame(&ended)) continue;
    const absl::Duration left = deadline - absl::Now();
    if (ended >= count || left <= absl::ZeroDuration() || !Read(left)) return ended;
  }
}

bool RawHttp2::AwaitClose(absl::Duration limit) {
  const absl::Time deadline = absl::Now() + limit;
  size_t ended = 0;
  while (open_ && absl::Now() < deadline) {
    Read(deadline - absl::Now());
    while (TakeFrame(&ended)) continue;
  }
  return !open_;
}

}  // namespace vakt
