// SPDX-License-Identifier: Apache-2.0
// One outgoing connection that sends bytes and learns whether the other side has read them all:
//
//   VAKT_ASSIGN_OR_RETURN(auto stream, ByteStream::Connect(peer, tls, deadline, cancel_fd));
//   VAKT_RETURN_IF_ERROR(stream->Write(bytes));
//   VAKT_RETURN_IF_ERROR(stream->FinishAndAwaitEnd());
//
// TCP acknowledges what the kernel of the other side holds, which a program that dies has not read.
// But a connection on which everything was read ends with a FIN, and one with unread bytes with a
// reset: so we end our side and wait for the end of the other.
//
// Threads: one. `cancel_fd`, an eventfd, ends every wait once it is readable.
#ifndef VAKT_COLLECTOR_SINK_BYTE_STREAM_H_
#define VAKT_COLLECTOR_SINK_BYTE_STREAM_H_

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/base/unique_fd.h"

struct ssl_ctx_st;
struct ssl_st;

namespace vakt {

struct PeerAddress {
  std::string host;
  std::string port;
};

// What a connection over TLS (1.2 or later) needs; made once.
class TlsClient {
 public:
  // Empty names: the system's authorities, no client certificate. Errors name the file.
  static absl::StatusOr<std::unique_ptr<TlsClient>> Create(const std::string& ca_file,
                                                           const std::string& cert_file,
                                                           const std::string& key_file,
                                                           std::string server_name);
  ssl_ctx_st* context() const { return context_.get(); }
  const std::string& server_name() const { return server_name_; }

 private:
  struct Free {
    void operator()(ssl_ctx_st* context) const;
  };
  std::unique_ptr<ssl_ctx_st, Free> context_;
  std::string server_name_;
};

class ByteStream {
 public:
  // `tls` null: plain TCP. The deadline holds for all that the stream does.
  static absl::StatusOr<std::unique_ptr<ByteStream>> Connect(const PeerAddress& peer,
                                                             const TlsClient* tls,
                                                             absl::Time deadline, int cancel_fd);
  absl::Status Write(std::string_view bytes);
  absl::Status FinishAndAwaitEnd();

 private:
  struct Free {
    void operator()(ssl_st* ssl) const;
  };

  ByteStream(UniqueFd socket, absl::Time deadline, int cancel_fd)
      : socket_(std::move(socket)), deadline_(deadline), cancel_fd_(cancel_fd) {}
  absl::Status Handshake(const TlsClient& tls);
  absl::Status Wait(short events);
  // After an SSL call that returned `outcome`, not positive: waits for what it needs, or fails.
  absl::Status WaitForTls(int outcome, std::string_view what);
  // True: the other side has ended.
  absl::StatusOr<bool> ReadSome();

  const UniqueFd socket_;
  const absl::Time deadline_;
  const int cancel_fd_;
  std::unique_ptr<ssl_st, Free> ssl_;
};

}  // namespace vakt

#endif  // VAKT_COLLECTOR_SINK_BYTE_STREAM_H_
