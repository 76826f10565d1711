// SPDX-License-Identifier: Apache-2.0
// A collector for tests of the agent's uplink: a real gRPC server with mTLS on 127.0.0.1 that keeps
// in memory what it is sent, and misbehaves on request. Thread-safe.
#ifndef VAKT_TESTS_SUPPORT_FAKE_COLLECTOR_H_
#define VAKT_TESTS_SUPPORT_FAKE_COLLECTOR_H_

#include <grpcpp/server.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "agent/spool/position.h"
#include "tests/support/dev_certificates.h"
#include "vakt/v1/ingest.grpc.pb.h"

namespace vakt {

class FakeCollector : public v1::Ingest::Service {
 public:
  // Listens on `port` of 127.0.0.1, or on any if it is 0. Aborts if it cannot.
  explicit FakeCollector(const CertificateSet& certificates, int port = 0);
  ~FakeCollector() override;

  int port() const { return port_; }
  std::string address() const;

  // Where Welcome says to go on. At first: nothing is stored.
  void SetStored(Position stored);
  // Whether batches are acknowledged. At first true; what waits is acknowledged when set back.
  void SetAcks(bool acks);
  // Acknowledges this position instead of the true one, from the next batch on.
  void SetWrongAck(Position wrong);
  // Ends the stream with UNAVAILABLE after this many more batches, before the acknowledgement.
  void BreakAfter(int batches);
  // Only counts records, does not keep them.
  void SetKeepRecords(bool keep);

  // Waits until `count` different records were stored; false after `timeout`.
  bool WaitForRecords(size_t count, absl::Duration timeout = absl::Seconds(20)) const;

  // Positions in the order of their first arrival; with what came twice not counted again.
  std::vector<Position> positions() const;
  uint64_t duplicates() const;
  size_t largest_batch() const;
  std::vector<v1::Hello> hellos() const;
  size_t heartbeats() const;
  v1::Heartbeat last_heartbeat() const;
  // The URI of the last client certificate.
  std::string peer_uri() const;

  grpc::Status Connect(
      grpc::ServerContext* context,
      grpc::ServerReaderWriter<v1::CollectorMessage, v1::AgentMessage>* stream) override;

 private:
  // False: break the stream.
  bool Store(const v1::Batch& batch);
  Position AckFor() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;

  mutable absl::Mutex mutex_;
  Position stored_ ABSL_GUARDED_BY(mutex_);
  bool acks_ ABSL_GUARDED_BY(mutex_) = true;
  Position wrong_ack_ ABSL_GUARDED_BY(mutex_);
  int break_after_ ABSL_GUARDED_BY(mutex_) = -1;
  bool keep_ ABSL_GUARDED_BY(mutex_) = true;
  size_t count_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<Position> positions_ ABSL_GUARDED_BY(mutex_);
  uint64_t duplicates_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t largest_batch_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<v1::Hello> hellos_ ABSL_GUARDED_BY(mutex_);
  size_t heartbeats_ ABSL_GUARDED_BY(mutex_) = 0;
  v1::Heartbeat last_heartbeat_ ABSL_GUARDED_BY(mutex_);
  std::string peer_uri_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace vakt

#endif  // VAKT_TESTS_SUPPORT_FAKE_COLLECTOR_H_
