// SPDX-License-Identifier: Apache-2.0
#include "cli/alert_stream.h"

#include <gmock/gmock.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <deque>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <vector>

#include "common/base/strings.h"
#include "vakt/v1/query.grpc.pb.h"

namespace vakt {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// What one Subscribe call sends before it ends with `status`.
struct Script {
  std::vector<std::string> cursors;  // of records; "-x" is a heartbeat with cursor x
  grpc::Status status = grpc::Status::OK;
};

// Plays one script for each call, and keeps what was asked.
class FakeAlerts final : public v1::Alerts::Service {
 public:
  explicit FakeAlerts(std::deque<Script> scripts) : scripts_(std::move(scripts)) {}

  grpc::Status Subscribe(grpc::ServerContext* context, const v1::SubscribeRequest* request,
                         grpc::ServerWriter<v1::SubscribeResponse>* writer) override {
    std::unique_lock lock(mutex_);
    requests_.push_back(*request);
    if (scripts_.empty()) return {grpc::StatusCode::PERMISSION_DENIED, "no more"};
    const Script script = scripts_.front();
    scripts_.pop_front();
    lock.unlock();
    for (const std::string& cursor : script.cursors) {
      v1::SubscribeResponse response;
      if (cursor.starts_with('-')) {
        response.mutable_heartbeat()->set_cursor(cursor.substr(1));
      } else {
        response.mutable_record()->set_cursor(cursor);
      }
      writer->Write(response);
    }
    return context->IsCancelled() ? grpc::Status::CANCELLED : script.status;
  }

  std::vector<v1::SubscribeRequest> requests() {
    std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  std::mutex mutex_;
  std::deque<Script> scripts_;
  std::vector<v1::SubscribeRequest> requests_;
};

class AlertStreamTest : public ::testing::Test {
 protected:
  void Serve(std::deque<Script> scripts) {
    service_ = std::make_unique<FakeAlerts>(std::move(scripts));
    grpc::ServerBuilder builder;
    builder.AddListeningPort(address_, grpc::InsecureServerCredentials());
    builder.RegisterService(service_.get());
    server_ = builder.BuildAndStart();
    ASSERT_NE(server_, nullptr);
  }
  ~AlertStreamTest() override {
    if (server_ != nullptr) server_->Shutdown();
  }

  // Without a network.
  AlertStream::Dial Dial() {
    return [this] {
      ++dials_;
      return grpc::CreateChannel(address_, grpc::InsecureChannelCredentials());
    };
  }

  grpc::Status Run(AlertStream& stream, size_t count = 1000) {
    return stream.Run(
        stop_.get_token(),
        [&](const v1::StoredRecord& record) {
          taken_.push_back(record.cursor());
          return taken_.size() < count;
        },
        [&](const grpc::Status& status, absl::Duration pause) {
          broken_.push_back(status.error_message());
          longest_pause_ = std::max(longest_pause_, pause);
        });
  }

  static AlertStreamOptions Fast() {
    return {.backoff_min = absl::Milliseconds(1), .backoff_max = absl::Milliseconds(4)};
  }

  std::unique_ptr<FakeAlerts> service_;
  std::unique_ptr<grpc::Server> server_;
  const std::string address_ = StrCat("unix:", ::testing::TempDir(), "/alerts_", getpid());
  int dials_ = 0;
  std::stop_source stop_;
  std::vector<std::string> taken_;
  std::vector<std::string> broken_;
  absl::Duration longest_pause_;
};

TEST_F(AlertStreamTest, GoesOnBehindTheLastRecord) {
  Serve({{{"1", "2"}, {grpc::StatusCode::UNAVAILABLE, "stopping"}}, {{"3"}, grpc::Status::OK}});
  AlertStreamOptions options = Fast();
  options.request.set_from_beginning(true);
  options.request.mutable_filter()->set_text("x");
  AlertStream stream(Dial(), options);
  EXPECT_TRUE(Run(stream, 3).ok());
  EXPECT_THAT(taken_, ElementsAre("1", "2", "3"));
  EXPECT_EQ(stream.cursor(), "3");
  ASSERT_EQ(service_->requests().size(), 2u);
  EXPECT_TRUE(service_->requests()[0].from_beginning());
  EXPECT_EQ(service_->requests()[1].after_cursor(), "2");
  EXPECT_EQ(service_->requests()[1].filter().text(), "x");
  EXPECT_THAT(broken_, ElementsAre("stopping"));
}

TEST_F(AlertStreamTest, HeartbeatsMoveTheCursor) {
  Serve({{{"1", "-7"}, {grpc::StatusCode::UNAVAILABLE, ""}}});
  AlertStream stream(Dial(), Fast());
  EXPECT_EQ(Run(stream).error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(stream.cursor(), "7");
  EXPECT_EQ(service_->requests()[1].after_cursor(), "7");
}

TEST_F(AlertStreamTest, StartsWhereItIsTold) {
  Serve({{{}, {grpc::StatusCode::INVALID_ARGUMENT, "bad cursor"}}});
  AlertStreamOptions options = Fast();
  options.request.set_after_cursor("5");
  AlertStream stream(Dial(), options);
  EXPECT_EQ(Run(stream).error_message(), "bad cursor");
  EXPECT_EQ(service_->requests()[0].after_cursor(), "5");
  EXPECT_EQ(stream.cursor(), "5");
  EXPECT_THAT(broken_, IsEmpty());
}

TEST_F(AlertStreamTest, EndsWhenThereNeverWasAConnection) {
  AlertStream stream(Dial(), Fast());
  EXPECT_EQ(Run(stream).error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(dials_, 1);
  AlertStream without([] { return absl::NotFoundError("no file"); }, Fast());
  EXPECT_EQ(Run(without).error_message(), "no file");
}

TEST_F(AlertStreamTest, PausesGrowToTheLimit) {
  std::deque<Script> scripts(8, Script{{}, {grpc::StatusCode::UNAVAILABLE, ""}});
  Serve(std::move(scripts));
  AlertStream stream(Dial(), Fast());
  Run(stream);
  EXPECT_EQ(broken_.size(), 8u);
  EXPECT_GT(longest_pause_, absl::Milliseconds(1));
  EXPECT_LE(longest_pause_, absl::Milliseconds(4));
}

TEST_F(AlertStreamTest, EndsWhenStopIsRequested) {
  Serve({{{"1"}, {grpc::StatusCode::UNAVAILABLE, ""}}});
  AlertStreamOptions options;
  options.backoff_min = options.backoff_max = absl::Hours(1);
  AlertStream stream(Dial(), options);
  const grpc::Status status = stream.Run(
      stop_.get_token(),
      [&](const v1::StoredRecord&) {
        stop_.request_stop();
        return true;
      },
      [](const grpc::Status&, absl::Duration) {});
  EXPECT_TRUE(status.ok());
  EXPECT_EQ(stream.cursor(), "1");
}

}  // namespace
}  // namespace vakt
