// SPDX-License-Identifier: Apache-2.0
// Ways to the two programs that vaktctl asks, and their failures in words that name the program and
// the way out.
//
//   VAKT_ASSIGN_OR_RETURN(const Connection collector, Connection::ToCollector(invocation));
//   VAKT_ASSIGN_OR_RETURN(const auto channel, collector.Dial());
//   auto stub = v1::Alerts::NewStub(channel);
//   if (grpc::Status status = stub->Query(...); !status.ok()) return collector.Failure(status);
//
// Ownership: a value type; channels belong to who dials. Threads: thread-safe once made.
#ifndef VAKT_CLI_CONNECTION_H_
#define VAKT_CLI_CONNECTION_H_

#include <grpcpp/channel.h>
#include <grpcpp/support/status.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "cli/verbs.h"

namespace vakt {

// A call that takes longer has failed; streams have no such limit.
inline constexpr absl::Duration kCallTimeout = absl::Seconds(30);

class Connection {
 public:
  // With mutual TLS, as the settings collector.* and tls.* say.
  static absl::StatusOr<Connection> ToCollector(const Invocation& invocation);
  // Over the socket in the setting state.dir. An error when it is missing or not for this user.
  static absl::StatusOr<Connection> ToAgent(const Invocation& invocation);

  // A new channel; its first call connects. Certificates are read anew each time, so that renewed
  // ones count. To call again after a failure, dial again: an old channel would repeat the failure
  // without trying, as long as no call waits on it.
  absl::StatusOr<std::shared_ptr<grpc::Channel>> Dial() const { return dial_(); }
  // "collector 127.0.0.1:7443"
  const std::string& peer() const { return peer_; }

  // What a failed call means to the user.
  absl::Status Failure(const grpc::Status& status) const {
    return CallError(status, peer_, remedy_);
  }

  // The same without a connection, for tests. `remedy`: what to do when nobody answers.
  static absl::Status CallError(const grpc::Status& status, std::string_view peer,
                                std::string_view remedy);

 private:
  using DialFunction = std::function<absl::StatusOr<std::shared_ptr<grpc::Channel>>()>;

  Connection(DialFunction dial, std::string peer, std::string remedy)
      : dial_(std::move(dial)), peer_(std::move(peer)), remedy_(std::move(remedy)) {}

  DialFunction dial_;
  std::string peer_;
  std::string remedy_;
};

}  // namespace vakt

#endif  // VAKT_CLI_CONNECTION_H_
