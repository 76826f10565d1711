// SPDX-License-Identifier: Apache-2.0
#include "collector/sink/byte_stream.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/time/clock.h"
#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/base/wakeup.h"

namespace vakt {
namespace {

std::string TlsReason() {
  const char* reason = ERR_reason_error_string(ERR_peek_last_error());
  ERR_clear_error();
  return reason == nullptr ? "the connection broke" : reason;
}

absl::Status CheckUse(int outcome, const std::string& path, const char* what) {
  if (outcome == 1) return absl::OkStatus();
  return absl::InvalidArgumentError(StrCat(path, ": cannot be used as ", what, ": ", TlsReason()));
}

bool IsAddress(const std::string& host) {
  in6_addr ignored;
  return inet_pton(AF_INET, host.c_str(), &ignored) == 1 ||
         inet_pton(AF_INET6, host.c_str(), &ignored) == 1;
}

// The other side has said that it sends no more, or the connection is gone.
bool HasEnded(int fd) {
  tcp_info info = {};
  socklen_t size = sizeof(info);
  return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0 ||
         info.tcpi_state != TCP_ESTABLISHED;
}

struct FreeAddresses {
  void operator()(addrinfo* addresses) const { freeaddrinfo(addresses); }
};
using Addresses = std::unique_ptr<addrinfo, FreeAddresses>;

absl::StatusOr<Addresses> Resolve(const PeerAddress& peer) {
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int outcome = getaddrinfo(peer.host.c_str(), peer.port.c_str(), &hints, &found);
  if (outcome == 0) return Addresses(found);
  return absl::UnavailableError(StrCat("look up ", peer.host, ": ", gai_strerror(outcome)));
}

}  // namespace

void TlsClient::Free::operator()(ssl_ctx_st* context) const { SSL_CTX_free(context); }
void ByteStream::Free::operator()(ssl_st* ssl) const { SSL_free(ssl); }

absl::StatusOr<std::unique_ptr<TlsClient>> TlsClient::Create(const std::string& ca_file,
                                                             const std::string& cert_file,
                                                             const std::string& key_file,
                                                             std::string server_name) {
  auto client = std::make_unique<TlsClient>();
  client->server_name_ = std::move(server_name);
  client->context_.reset(SSL_CTX_new(TLS_client_method()));
  SSL_CTX* const context = client->context();
  if (context == nullptr) return absl::ResourceExhaustedError("OpenSSL: out of memory");
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  // Receivers that just close the socket are common; what they leave unread resets the connection.
  SSL_CTX_set_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  if (ca_file.empty()) {
    SSL_CTX_set_default_verify_paths(context);
  } else {
    VAKT_RETURN_IF_ERROR(CheckUse(SSL_CTX_load_verify_locations(context, ca_file.c_str(), nullptr),
                                  ca_file, "certificate authorities"));
  }
  if (cert_file.empty()) return client;
  VAKT_RETURN_IF_ERROR(CheckUse(SSL_CTX_use_certificate_chain_file(context, cert_file.c_str()),
                                cert_file, "certificate chain"));
  VAKT_RETURN_IF_ERROR(
      CheckUse(SSL_CTX_use_PrivateKey_file(context, key_file.c_str(), SSL_FILETYPE_PEM), key_file,
               "private key of the certificate"));
  return client;
}

absl::StatusOr<std::unique_ptr<ByteStream>> ByteStream::Connect(const PeerAddress& peer,
                                                                const TlsClient* tls,
                                                                absl::Time deadline,
                                                                int cancel_fd) {
  VAKT_ASSIGN_OR_RETURN(const Addresses addresses, Resolve(peer));
  absl::Status status = absl::UnavailableError("the name has no address");
  for (const addrinfo* at = addresses.get(); at != nullptr; at = at->ai_next) {
    UniqueFd socket_fd(socket(at->ai_family, at->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!socket_fd) return ErrnoStatus(errno, "socket");
    const int outcome = connect(socket_fd.get(), at->ai_addr, at->ai_addrlen);
    const int connect_error = outcome == 0 ? 0 : errno;
    std::unique_ptr<ByteStream> stream(new ByteStream(std::move(socket_fd), deadline, cancel_fd));
    int error = connect_error == EINPROGRESS ? 0 : connect_error;
    if (connect_error == EINPROGRESS) {
      VAKT_RETURN_IF_ERROR(stream->Wait(POLLOUT));
      socklen_t size = sizeof(error);
      getsockopt(stream->socket_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    }
    if (error != 0) {
      status = ErrnoStatus(error, "connect");
      continue;
    }
    const int on = 1;
    setsockopt(stream->socket_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (tls != nullptr) VAKT_RETURN_IF_ERROR(stream->Handshake(*tls));
    return stream;
  }
  return status;
}

absl::Status ByteStream::Handshake(const TlsClient& tls) {
  ssl_.reset(SSL_new(tls.context()));
  if (ssl_ == nullptr) return absl::ResourceExhaustedError("OpenSSL: out of memory");
  const std::string& name = tls.server_name();
  bool named = true;
  if (IsAddress(name)) {
    named = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl_.get()), name.c_str()) == 1;
  } else {
    named = SSL_set1_host(ssl_.get(), name.c_str()) == 1 &&
            SSL_set_tlsext_host_name(ssl_.get(), name.c_str()) == 1;
  }
  if (!named || SSL_set_fd(ssl_.get(), socket_.get()) != 1) {
    return absl::InternalError(StrCat("TLS to ", name, ": ", TlsReason()));
  }
  while (true) {
    ERR_clear_error();
    const int outcome = SSL_connect(ssl_.get());
    if (outcome == 1) return absl::OkStatus();
    VAKT_RETURN_IF_ERROR(WaitForTls(outcome, "TLS handshake"));
  }
}

absl::Status ByteStream::Wait(short events) {
  pollfd fds[] = {{socket_.get(), events, 0}, {cancel_fd_, POLLIN, 0}};
  while (true) {
    const int64_t left = absl::ToInt64Milliseconds(deadline_ - SteadyNow());
    if (left <= 0) return absl::DeadlineExceededError("the other side does not answer in time");
    const int count = poll(fds, 2, static_cast<int>(std::min<int64_t>(left, 1000)));
    if (count < 0 && errno != EINTR) return ErrnoStatus(errno, "poll");
    if (count <= 0) continue;
    if (fds[1].revents != 0) return absl::CancelledError("cancelled");
    return absl::OkStatus();
  }
}

absl::Status ByteStream::WaitForTls(int outcome, std::string_view what) {
  const int saved_errno = errno;
  switch (SSL_get_error(ssl_.get(), outcome)) {
    case SSL_ERROR_WANT_READ:
      return Wait(POLLIN);
    case SSL_ERROR_WANT_WRITE:
      return Wait(POLLOUT);
    case SSL_ERROR_SYSCALL:
      if (saved_errno != 0) return ErrnoStatus(saved_errno, what);
      [[fallthrough]];
    default:
      return absl::UnavailableError(StrCat(what, ": ", TlsReason()));
  }
}

absl::Status ByteStream::Write(std::string_view bytes) {
  while (!bytes.empty()) {
    if (ssl_ != nullptr) {
      ERR_clear_error();
      errno = 0;
      const int size = static_cast<int>(std::min<size_t>(bytes.size(), 1 << 20));
      const int count = SSL_write(ssl_.get(), bytes.data(), size);
      if (count > 0) {
        bytes.remove_prefix(static_cast<size_t>(count));
      } else {
        VAKT_RETURN_IF_ERROR(WaitForTls(count, "write"));
      }
      continue;
    }
    const ssize_t count = send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count >= 0) {
      bytes.remove_prefix(static_cast<size_t>(count));
    } else if (errno == EAGAIN) {
      VAKT_RETURN_IF_ERROR(Wait(POLLOUT));
    } else if (errno != EINTR) {
      return ErrnoStatus(errno, "write");
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> ByteStream::ReadSome() {
  char ignored[4096];
  if (ssl_ != nullptr) {
    ERR_clear_error();
    errno = 0;
    const int count = SSL_read(ssl_.get(), ignored, sizeof(ignored));
    if (count > 0) return false;
    if (SSL_get_error(ssl_.get(), count) == SSL_ERROR_ZERO_RETURN) return true;
    VAKT_RETURN_IF_ERROR(WaitForTls(count, "await the end"));
    return false;
  }
  const ssize_t count = recv(socket_.get(), ignored, sizeof(ignored), 0);
  if (count >= 0) return count == 0;
  if (errno == EAGAIN) {
    VAKT_RETURN_IF_ERROR(Wait(POLLIN));
  } else if (errno != EINTR) {
    return ErrnoStatus(errno, "await the end");
  }
  return false;
}

absl::Status ByteStream::FinishAndAwaitEnd() {
  // An end that comes before ours says nothing of what was read.
  if (HasEnded(socket_.get())) {
    return absl::UnavailableError("the other side ended before it was told that this was all");
  }
  if (ssl_ != nullptr) {
    while (true) {
      ERR_clear_error();
      errno = 0;
      const int outcome = SSL_shutdown(ssl_.get());  // sends close_notify
      if (outcome >= 0) break;
      VAKT_RETURN_IF_ERROR(WaitForTls(outcome, "close"));
    }
  }
  if (shutdown(socket_.get(), SHUT_WR) != 0) return ErrnoStatus(errno, "close");
  while (true) {
    VAKT_ASSIGN_OR_RETURN(const bool ended, ReadSome());
    if (!ended) continue;
    // TLS may have ended before TCP: with bytes unread on the other side a reset would follow.
    if (ssl_ == nullptr) return absl::OkStatus();
    ssl_.reset();
  }
}

}  // namespace vakt
