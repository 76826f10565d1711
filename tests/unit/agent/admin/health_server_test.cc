// SPDX-License-Identifier: Apache-2.0
#include "agent/admin/health_server.h"

#include <gmock/gmock.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>

#include "common/base/strings.h"

namespace vakt {
namespace {

using ::testing::HasSubstr;

constexpr int kServing = 1;  // grpc.health.v1.HealthCheckResponse.ServingStatus
constexpr int kNotServing = 2;

// grpc.health.v1.Health/Check, its two messages written out: {1: string} and {1: enum}. The status
// of the service, or the negative code with which the call failed.
int Check(int port, const std::string& service) {
  grpc::GenericStub stub(
      grpc::CreateChannel(StrCat("127.0.0.1:", port), grpc::InsecureChannelCredentials()));
  std::string request;
  if (!service.empty())
    request = StrCat("\x0a", std::string(1, static_cast<char>(service.size())), service);
  const grpc::Slice slice(request);
  const grpc::ByteBuffer message(&slice, 1);
  grpc::ByteBuffer answer;
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10));
  grpc::CompletionQueue queue;
  const auto call =
      stub.PrepareUnaryCall(&context, "/grpc.health.v1.Health/Check", message, &queue);
  grpc::Status status;
  call->StartCall();
  call->Finish(&answer, &status, &queue);
  void* tag = nullptr;
  bool ok = false;
  queue.Next(&tag, &ok);
  if (!status.ok()) return -status.error_code();
  grpc::Slice bytes;
  EXPECT_TRUE(answer.DumpToSingleSlice(&bytes).ok());
  EXPECT_EQ(bytes.size(), 2u);
  EXPECT_EQ(bytes.begin()[0], 0x08);
  return bytes.begin()[1];
}

class HealthServerTest : public ::testing::Test {
 protected:
  HealthServerTest() {
    auto server = HealthServer::Start(
        "127.0.0.1:0",
        {[this] { return Text(dead_, "stuck"); }, [this] { return Text(unready_, "no rules"); }});
    EXPECT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }
  static std::string Text(bool no, const char* reason) { return no ? reason : ""; }
  // Waits until the service has this status, as somebody who asks every so often does.
  bool Becomes(const std::string& service, int status) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (std::chrono::steady_clock::now() < end) {
      if (Check(server_->port(), service) == status) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return false;
  }

  std::atomic<bool> dead_ = false;
  std::atomic<bool> unready_ = false;
  std::unique_ptr<HealthServer> server_;
};

TEST_F(HealthServerTest, TellsLivenessAndReadinessApart) {
  for (const char* service : {"", "liveness", "readiness"}) {
    EXPECT_EQ(Check(server_->port(), service), kServing) << service;
  }
  unready_ = true;
  EXPECT_TRUE(Becomes("readiness", kNotServing));
  EXPECT_EQ(Check(server_->port(), "liveness"), kServing);
  EXPECT_EQ(Check(server_->port(), ""), kNotServing);
  unready_ = false;
  dead_ = true;
  EXPECT_TRUE(Becomes("liveness", kNotServing));
  EXPECT_EQ(Check(server_->port(), "readiness"), kServing);
  EXPECT_EQ(Check(server_->port(), ""), kNotServing);
  dead_ = false;
  EXPECT_TRUE(Becomes("", kServing));
}

TEST_F(HealthServerTest, AServiceThatIsNotThereIsNotFound) {
  EXPECT_EQ(Check(server_->port(), "alerts"), -grpc::StatusCode::NOT_FOUND);
}

TEST_F(HealthServerTest, APortInUseIsNamedWithTheWayOut) {
  const std::string address = StrCat("127.0.0.1:", server_->port());
  const auto second = HealthServer::Start(address, {});
  EXPECT_TRUE(absl::IsUnavailable(second.status()));
  EXPECT_THAT(std::string(second.status().message()), HasSubstr(address));
  EXPECT_THAT(std::string(second.status().message()), HasSubstr("--health-listen"));
}

}  // namespace
}  // namespace vakt
