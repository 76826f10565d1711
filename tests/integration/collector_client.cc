// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/collector_client.h"

#include <cstdio>
#include <utility>

namespace vakt {

std::shared_ptr<grpc::Channel> OpenChannel(const std::string& address,
                                           const CertificateSet& certificates) {
  grpc::SslCredentialsOptions options;
  options.pem_root_certs = certificates.ca_pem;
  options.pem_cert_chain = certificates.cert_pem;
  options.pem_private_key = certificates.key_pem;
  grpc::ChannelArguments arguments;
  // Each channel has a connection of its own, as clients in different processes have.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 50);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 200);
  return grpc::CreateCustomChannel(address, grpc::SslCredentials(options), arguments);
}

std::vector<v1::Node> ListAllNodes(v1::Fleet::Stub* fleet) {
  std::vector<v1::Node> nodes;
  v1::ListNodesRequest request;
  do {
    grpc::ClientContext context;
    v1::ListNodesResponse page;
    const grpc::Status status = fleet->ListNodes(&context, request, &page);
    if (!status.ok()) {
      fprintf(stderr, "ListNodes: %s\n", status.error_message().c_str());
      return {};
    }
    nodes.insert(nodes.end(), page.nodes().begin(), page.nodes().end());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return nodes;
}

v1::Hello MakeHello(const std::string& node, uint64_t epoch, const std::string& boot_id) {
  v1::Hello hello;
  hello.set_node(node);
  hello.set_boot_id(boot_id);
  hello.set_epoch(epoch);
  hello.set_agent_version("test");
  return hello;
}

AgentClient::AgentClient(std::shared_ptr<grpc::Channel> channel)
    : stub_(v1::Ingest::NewStub(std::move(channel))), stream_(stub_->Connect(&context_)) {}

AgentClient::~AgentClient() {
  if (finished_) return;
  context_.TryCancel();
  stream_->Finish();
}

bool AgentClient::Hello(const v1::Hello& hello, v1::Welcome* welcome) {
  v1::AgentMessage message;
  *message.mutable_hello() = hello;
  if (!stream_->Write(message)) return false;
  v1::CollectorMessage answer;
  if (!stream_->Read(&answer) || !answer.has_welcome()) return false;
  if (welcome != nullptr) *welcome = answer.welcome();
  return true;
}

bool AgentClient::Send(const std::vector<v1::Record>& records) {
  v1::AgentMessage message;
  for (const v1::Record& record : records) {
    message.mutable_batch()->add_records(record.SerializeAsString());
  }
  return stream_->Write(message);
}

bool AgentClient::Beat(const v1::Heartbeat& heartbeat) {
  v1::AgentMessage message;
  *message.mutable_heartbeat() = heartbeat;
  return stream_->Write(message);
}

bool AgentClient::ReadAck(v1::Position* stored) {
  v1::CollectorMessage answer;
  if (!stream_->Read(&answer) || !answer.has_ack()) return false;
  *stored = answer.ack().stored();
  return true;
}

grpc::Status AgentClient::Finish() {
  stream_->WritesDone();
  return AwaitEnd();
}

grpc::Status AgentClient::AwaitEnd() {
  finished_ = true;
  v1::CollectorMessage rest;
  while (stream_->Read(&rest)) continue;
  return stream_->Finish();
}

SubscriberClient::SubscriberClient(std::shared_ptr<grpc::Channel> channel,
                                   const v1::SubscribeRequest& request)
    : stub_(v1::Alerts::NewStub(std::move(channel))),
      reader_(stub_->Subscribe(&context_, request)) {
  reader_->WaitForInitialMetadata();
}

SubscriberClient::~SubscriberClient() {
  if (finished_) return;
  context_.TryCancel();
  reader_->Finish();
}

bool SubscriberClient::ReadRecord(v1::StoredRecord* record) {
  v1::SubscribeResponse response;
  while (reader_->Read(&response)) {
    if (!response.has_record()) continue;
    *record = std::move(*response.mutable_record());
    return true;
  }
  return false;
}

grpc::Status SubscriberClient::Finish() {
  finished_ = true;
  v1::SubscribeResponse rest;
  while (reader_->Read(&rest)) continue;
  return reader_->Finish();
}

std::vector<v1::StoredRecord> QueryAll(const std::shared_ptr<grpc::Channel>& channel,
                                       const v1::Filter& filter, grpc::Status* status) {
  const auto stub = v1::Alerts::NewStub(channel);
  v1::QueryRequest request;
  *request.mutable_filter() = filter;
  request.set_oldest_first(true);
  request.set_page_size(1000);
  std::vector<v1::StoredRecord> records;
  while (true) {
    grpc::ClientContext context;
    v1::QueryResponse page;
    const grpc::Status outcome = stub->Query(&context, request, &page);
    if (status != nullptr) *status = outcome;
    if (!outcome.ok()) return records;
    for (auto& record : *page.mutable_records()) records.push_back(std::move(record));
    if (page.next_page_token().empty()) return records;
    request.set_page_token(page.next_page_token());
  }
}

}  // namespace vakt
