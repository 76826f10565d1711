// SPDX-License-Identifier: Apache-2.0
// A stream ends whatever the order in which gRPC answers for what it holds.
#include "agent/uplink/collector_stream.h"

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>

#include "absl/time/clock.h"

namespace vakt {
namespace {

// Takes calls and ends them at once, with what was sent to it unread.
class Impatient final : public grpc::CallbackGenericService {
 public:
  class Call final : public grpc::ServerGenericBidiReactor {
   public:
    Call() { Finish(grpc::Status(grpc::StatusCode::UNAVAILABLE, "not now")); }
    void OnDone() override { delete this; }
  };
  grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext*) override {
    return new Call();
  }
};

class CollectorStreamTest : public ::testing::Test {
 protected:
  CollectorStreamTest() {
    RouteGrpcLog();
    int port = 0;
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterCallbackGenericService(&service_);
    server_ = builder.BuildAndStart();
    channel_ = grpc::CreateChannel("127.0.0.1:" + std::to_string(port),
                                   grpc::InsecureChannelCredentials());
  }
  ~CollectorStreamTest() override { server_->Shutdown(); }

  // The stream does what an uplink does, until it ends or somebody gives it up.
  void RunOne(std::mt19937* random) {
    CollectorStream stream(channel_, &events_);
    const uint32_t way = (*random)();
    for (int step = 0; step < 50; ++step) {
      const auto event = stream.Next(absl::Milliseconds(way % 3));
      if (event == CollectorStream::Event::kEnded) return;
      if (way % 5 == 0 && step == static_cast<int>(way / 5 % 4)) return;
      if (way % 7 == 0 && step == static_cast<int>(way / 7 % 4)) stream.Cancel();
      if (!stream.can_write()) continue;
      if (way / 16 % 2 == 0 && step < 2) {
        stream.Write(std::string(way / 32 % 2 == 0 ? 100 : 4 << 20, 'x'));
      } else {
        stream.FinishWriting();
      }
    }
  }

  Impatient service_;
  std::unique_ptr<grpc::Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
  EventQueue events_;
};

// One that waits for an answer too many, or for one that never comes, would stand in its destructor
// for ever. (gRPC 1.51 owes one in some hundred runs of this.)
TEST_F(CollectorStreamTest, EndsHoweverItIsEnded) {
  std::mt19937 random(11);
  for (int run = 0; run < 3000; ++run) RunOne(&random);
}

}  // namespace
}  // namespace vakt
