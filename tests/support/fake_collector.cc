// SPDX-License-Identifier: Apache-2.0
#include "tests/support/fake_collector.h"

#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_builder.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "vakt/v1/alert.pb.h"

namespace vakt {
namespace {

constexpr int kMaxMessageBytes = 8 << 20;

void ToProto(Position position, v1::Position* out) {
  out->set_epoch(position.epoch);
  out->set_seq(position.seq);
}

}  // namespace

FakeCollector::FakeCollector(const CertificateSet& certificates, int port) {
  grpc::SslServerCredentialsOptions tls(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  tls.pem_root_certs = certificates.ca_pem;
  tls.pem_key_cert_pairs = {{certificates.key_pem, certificates.cert_pem}};
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:" + std::to_string(port), grpc::SslServerCredentials(tls),
                           &port_);
  builder.SetMaxReceiveMessageSize(kMaxMessageBytes);
  builder.RegisterService(this);
  server_ = builder.BuildAndStart();
  if (server_ == nullptr || port_ == 0) {
    fprintf(stderr, "fake collector: cannot listen on port %d\n", port);
    abort();
  }
}

FakeCollector::~FakeCollector() { server_->Shutdown(std::chrono::system_clock::now()); }

std::string FakeCollector::address() const { return "127.0.0.1:" + std::to_string(port_); }

void FakeCollector::SetStored(Position stored) {
  absl::MutexLock lock(&mutex_);
  stored_ = stored;
}

void FakeCollector::SetAcks(bool acks) {
  absl::MutexLock lock(&mutex_);
  acks_ = acks;
}

void FakeCollector::SetWrongAck(Position wrong) {
  absl::MutexLock lock(&mutex_);
  wrong_ack_ = wrong;
}

void FakeCollector::BreakAfter(int batches) {
  absl::MutexLock lock(&mutex_);
  break_after_ = batches;
}

void FakeCollector::SetKeepRecords(bool keep) {
  absl::MutexLock lock(&mutex_);
  keep_ = keep;
}

bool FakeCollector::WaitForRecords(size_t count, absl::Duration timeout) const {
  absl::MutexLock lock(&mutex_);
  const auto enough = [this, count]()
                          ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return count_ >= count; };
  return mutex_.AwaitWithTimeout(absl::Condition(&enough), timeout);
}

std::vector<Position> FakeCollector::positions() const {
  absl::MutexLock lock(&mutex_);
  return positions_;
}

uint64_t FakeCollector::duplicates() const {
  absl::MutexLock lock(&mutex_);
  return duplicates_;
}

size_t FakeCollector::largest_batch() const {
  absl::MutexLock lock(&mutex_);
  return largest_batch_;
}

std::vector<v1::Hello> FakeCollector::hellos() const {
  absl::MutexLock lock(&mutex_);
  return hellos_;
}

size_t FakeCollector::heartbeats() const {
  absl::MutexLock lock(&mutex_);
  return heartbeats_;
}

v1::Heartbeat FakeCollector::last_heartbeat() const {
  absl::MutexLock lock(&mutex_);
  return last_heartbeat_;
}

std::string FakeCollector::peer_uri() const {
  absl::MutexLock lock(&mutex_);
  return peer_uri_;
}

bool FakeCollector::Store(const v1::Batch& batch) {
  absl::MutexLock lock(&mutex_);
  largest_batch_ = std::max<size_t>(largest_batch_, batch.records_size());
  if (!keep_) {
    count_ += batch.records_size();
    v1::Record last;
    last.ParseFromString(batch.records(batch.records_size() - 1));
    stored_ = {last.epoch(), last.seq()};
    return true;
  }
  for (const std::string& bytes : batch.records()) {
    v1::Record record;
    if (!record.ParseFromString(bytes)) abort();
    const Position position{record.epoch(), record.seq()};
    if (position <= stored_) {
      ++duplicates_;
      continue;
    }
    positions_.push_back(position);
    ++count_;
    stored_ = position;
  }
  return break_after_ < 0 || --break_after_ >= 0;
}

Position FakeCollector::AckFor() const { return wrong_ack_ == Position{} ? stored_ : wrong_ack_; }

grpc::Status FakeCollector::Connect(
    grpc::ServerContext* context,
    grpc::ServerReaderWriter<v1::CollectorMessage, v1::AgentMessage>* stream) {
  v1::AgentMessage message;
  v1::CollectorMessage answer;
  while (stream->Read(&message)) {
    answer.Clear();
    if (message.has_hello()) {
      absl::MutexLock lock(&mutex_);
      hellos_.push_back(message.hello());
      for (const auto& uri : context->auth_context()->FindPropertyValues("peer_uri")) {
        peer_uri_ = std::string(uri.data(), uri.size());
      }
      ToProto(stored_, answer.mutable_welcome()->mutable_stored());
    } else if (message.has_heartbeat()) {
      absl::MutexLock lock(&mutex_);
      ++heartbeats_;
      last_heartbeat_ = message.heartbeat();
      continue;
    } else if (message.has_batch()) {
      if (!Store(message.batch())) return {grpc::StatusCode::UNAVAILABLE, "test breaks the stream"};
      absl::MutexLock lock(&mutex_);
      while (!acks_ && !context->IsCancelled()) {
        mutex_.AwaitWithTimeout(absl::Condition(&acks_), absl::Milliseconds(20));
      }
      ToProto(AckFor(), answer.mutable_ack()->mutable_stored());
    }
    stream->Write(answer);
  }
  return grpc::Status::OK;
}

}  // namespace vakt
