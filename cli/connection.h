// SPDX-License-Identifier: Apache-2.0
// Channels to the two programs that vaktctl asks, and their failures in words that name the program
// and the way out.
//
//   VAKT_ASSIGN_OR_RETURN(const Connection collector, Connection::ToCollector(invocation));
//   auto stub = v1::Alerts::NewStub(collector.channel());
//   if (grpc::Status status = stub->Query(...); !status.ok()) return collector.Failure(status);
//
// Ownership: keeps its channel open. Threads: thread-safe once made.
#ifndef VAKT_CLI_CONNECTION_H_
#define VAKT_CLI_CONNECTION_H_

#include <grpcpp/channel.h>
#include <grpcpp/support/status.h>

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
  // With mutual TLS, as the settings collector.* and tls.* say. Dials at the first call.
  static absl::StatusOr<Connection> ToCollector(const Invocation& invocation);
  // Over the socket in the setting state.dir. An error when it is missing or not for this user.
  static absl::StatusOr<Connection> ToAgent(const Invocation& invocation);

  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }
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
  Connection(std::shared_ptr<grpc::Channel> channel, std::string peer, std::string remedy)
      : channel_(std::move(channel)), peer_(std::move(peer)), remedy_(std::move(remedy)) {}

  std::shared_ptr<grpc::Channel> channel_;
  std::string peer_;
  std::string remedy_;
};

}  // namespace vakt

#endif  // VAKT_CLI_CONNECTION_H_
