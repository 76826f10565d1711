// SPDX-License-Identifier: Apache-2.0
// Clients of a collector over mTLS, as plain as possible: what an agent and an analyst do, message
// by message. Blocking. Threads: thread-compatible.
#ifndef VAKT_TESTS_INTEGRATION_COLLECTOR_CLIENT_H_
#define VAKT_TESTS_INTEGRATION_COLLECTOR_CLIENT_H_

#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/dev_certificates.h"
#include "tests/support/sample_records.h"
#include "vakt/v1/fleet.grpc.pb.h"
#include "vakt/v1/ingest.grpc.pb.h"
#include "vakt/v1/query.grpc.pb.h"

namespace vakt {

inline std::string AgentUri(const std::string& node) {
  return "spiffe://test/cluster/c1/node/" + node + "/agent";
}
inline constexpr char kUserUri[] = "spiffe://test/user/alice/role/viewer";

std::shared_ptr<grpc::Channel> OpenChannel(const std::string& address,
                                           const CertificateSet& certificates);

// All pages; none when one fails, which is printed.
std::vector<v1::Node> ListAllNodes(v1::Fleet::Stub* fleet);

v1::Hello MakeHello(const std::string& node, uint64_t epoch = 1000,
                    const std::string& boot_id = kSampleBootId);

// One agent's stream. Its calls return false when the stream has ended: Finish says why.
class AgentClient {
 public:
  explicit AgentClient(std::shared_ptr<grpc::Channel> channel);
  ~AgentClient();  // cancels what is left

  bool Hello(const v1::Hello& hello, v1::Welcome* welcome);
  bool Send(const std::vector<v1::Record>& records);
  bool Send(const v1::AgentMessage& message) { return stream_->Write(message); }
  bool Beat(const v1::Heartbeat& heartbeat);
  bool ReadAck(v1::Position* stored);
  grpc::Status Finish();    // after the last send
  grpc::Status AwaitEnd();  // by the collector

 private:
  std::unique_ptr<v1::Ingest::Stub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::AgentMessage, v1::CollectorMessage>> stream_;
  bool finished_ = false;
};

// One subscriber's stream.
class SubscriberClient {
 public:
  // Returns when the collector has accepted the subscription, or refused it.
  SubscriberClient(std::shared_ptr<grpc::Channel> channel, const v1::SubscribeRequest& request);
  ~SubscriberClient();

  bool Read(v1::SubscribeResponse* response) { return reader_->Read(response); }
  // Passes over heartbeats.
  bool ReadRecord(v1::StoredRecord* record);
  grpc::Status Finish();
  void Cancel() { context_.TryCancel(); }

 private:
  std::unique_ptr<v1::Alerts::Stub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReader<v1::SubscribeResponse>> reader_;
  bool finished_ = false;
};

// All stored records that match, oldest first. `status` is the first error, if not null.
std::vector<v1::StoredRecord> QueryAll(const std::shared_ptr<grpc::Channel>& channel,
                                       const v1::Filter& filter, grpc::Status* status = nullptr);

}  // namespace vakt

#endif  // VAKT_TESTS_INTEGRATION_COLLECTOR_CLIENT_H_
