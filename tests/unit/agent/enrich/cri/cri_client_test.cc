// SPDX-License-Identifier: Apache-2.0
#include "agent/enrich/cri/cri_client.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "common/base/strings.h"
#include "gtest/gtest.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/agent/enrich/cri/fake_runtime.h"

namespace vakt {
namespace {

std::string IdOf(int number) {
  const std::string text = StrCat(number);
  return std::string(64 - text.size(), 'a') + text;
}

class CriClientTest : public testing::Test {
 protected:
  void StartRuntime() { runtime_ = std::make_unique<FakeRuntime>(socket_); }

  void StartClient() {
    CriOptions options;
    options.sockets = {directory_.path() + "/nobody.sock", socket_};
    options.call_timeout = absl::Seconds(5);
    options.max_backoff = absl::Milliseconds(200);
    options.poll = options.poll_with_events = poll_;
    client_ = std::make_unique<CriClient>(options, [this] { ++woken_; });
  }

  // Takes until the container is there; false: it did not come.
  bool WaitFor(const std::string& id) {
    for (int i = 0; i < 2000 && found_.count(id) == 0; ++i) {
      std::vector<v1::Container> found;
      client_->Take(&found);
      for (const v1::Container& container : found) found_[container.id()] = container;
      absl::SleepFor(absl::Milliseconds(5));
    }
    return found_.count(id) > 0;
  }

  absl::Duration poll_ = absl::Hours(1);
  const TemporaryDirectory directory_;
  const std::string socket_ = directory_.path() + "/runtime.sock";
  std::unique_ptr<FakeRuntime> runtime_;
  std::atomic<int> woken_ = 0;
  std::map<std::string, v1::Container> found_;
  std::unique_ptr<CriClient> client_;  // ends first
};

TEST_F(CriClientTest, ListsAtTheStart) {
  StartRuntime();
  runtime_->Add(IdOf(1), "one");
  runtime_->Add(IdOf(2), "two");
  StartClient();
  EXPECT_TRUE(client_->Answers());
  ASSERT_TRUE(WaitFor(IdOf(1)));
  ASSERT_TRUE(WaitFor(IdOf(2)));
  const v1::Container& one = found_[IdOf(1)];
  EXPECT_EQ(one.name(), "one");
  EXPECT_EQ(one.runtime(), "containerd");
  EXPECT_EQ(one.image(), "registry.example/app:1");
  EXPECT_EQ(one.image_digest(), StrCat("sha256:", std::string(64, '6')));
  EXPECT_EQ(one.pod().name(), "web");
  EXPECT_EQ(one.pod().namespace_(), "shop");
  EXPECT_EQ(one.metadata(), v1::Container::METADATA_COMPLETE);
  EXPECT_GE(woken_, 1);
  EXPECT_TRUE(client_->stats().connected);
  EXPECT_EQ(client_->stats().runtime, "containerd");
  EXPECT_EQ(client_->stats().failures, 0u);
}

TEST_F(CriClientTest, AnswersAQuestionAtOnce) {
  StartRuntime();
  StartClient();
  runtime_->Add(IdOf(1), "one", /*listed=*/false);
  client_->Ask(IdOf(1));
  ASSERT_TRUE(WaitFor(IdOf(1)));
  EXPECT_EQ(runtime_->asked(IdOf(1)), 1);
}

TEST_F(CriClientTest, NeverGivesUpOnAContainerUntilItIsForgotten) {
  StartRuntime();
  StartClient();
  client_->Ask(IdOf(1));
  while (runtime_->asked(IdOf(1)) < 4) absl::SleepFor(absl::Milliseconds(5));
  runtime_->Add(IdOf(1), "late");
  ASSERT_TRUE(WaitFor(IdOf(1)));
  client_->Ask(IdOf(2));
  while (runtime_->asked(IdOf(2)) < 2) absl::SleepFor(absl::Milliseconds(5));
  client_->Forget(IdOf(2));
  client_->Ask(IdOf(3));  // asked after it, so that what was under way is done
  while (runtime_->asked(IdOf(3)) < 2) absl::SleepFor(absl::Milliseconds(5));
  const int asked = runtime_->asked(IdOf(2));
  while (runtime_->asked(IdOf(3)) < 6) absl::SleepFor(absl::Milliseconds(5));
  EXPECT_EQ(runtime_->asked(IdOf(2)), asked);
}

TEST_F(CriClientTest, WhatARuntimeTellsByEventsIsThereBeforeAnyoneAsks) {
  StartRuntime();
  runtime_->Tell(IdOf(9));  // it has events; of a container that is gone already
  StartClient();
  runtime_->Add(IdOf(1), "one", /*listed=*/false);
  runtime_->Tell(IdOf(1));
  ASSERT_TRUE(WaitFor(IdOf(1)));
}

TEST_F(CriClientTest, WithoutEventsTheListIsReadAgain) {
  poll_ = absl::Milliseconds(50);
  StartRuntime();
  StartClient();
  runtime_->Add(IdOf(1), "one");
  ASSERT_TRUE(WaitFor(IdOf(1)));
  const int asked = runtime_->asked(IdOf(1));
  absl::SleepFor(absl::Milliseconds(200));
  EXPECT_EQ(runtime_->asked(IdOf(1)), asked);  // what is known is not asked for again
  // A container that came back under its id: forgotten, then a process again.
  client_->Forget(IdOf(1));
  found_.clear();
  client_->Ask(IdOf(1));
  ASSERT_TRUE(WaitFor(IdOf(1)));
}

TEST_F(CriClientTest, FindsTheRuntimeThatStartsLaterOrAgain) {
  StartClient();
  EXPECT_FALSE(client_->Answers());
  client_->Ask(IdOf(1));
  StartRuntime();
  runtime_->Add(IdOf(1), "one");
  ASSERT_TRUE(WaitFor(IdOf(1)));
  runtime_.reset();
  client_->Ask(IdOf(2));
  absl::SleepFor(absl::Milliseconds(100));
  StartRuntime();
  runtime_->Add(IdOf(2), "two", /*listed=*/false);
  ASSERT_TRUE(WaitFor(IdOf(2)));
  EXPECT_GE(client_->stats().failures, 1u);
}

TEST_F(CriClientTest, ErrorsAreTriedAgain) {
  StartRuntime();
  StartClient();
  runtime_->Add(IdOf(1), "one", /*listed=*/false);
  runtime_->set_failing(true);
  client_->Ask(IdOf(1));
  while (client_->stats().failures < 2) absl::SleepFor(absl::Milliseconds(5));
  runtime_->set_failing(false);
  EXPECT_TRUE(WaitFor(IdOf(1)));
}

TEST_F(CriClientTest, AThousandContainersComeThroughTheBoundedQueue) {
  StartRuntime();
  constexpr int kContainers = static_cast<int>(CriClient::kMaxFound) + 200;
  for (int i = 0; i < kContainers; ++i) runtime_->Add(IdOf(i), StrCat("c", i));
  StartClient();
  for (int i = 0; i < kContainers; ++i) ASSERT_TRUE(WaitFor(IdOf(i))) << i;
}

TEST_F(CriClientTest, EndsWhileItWaits) {
  StartRuntime();
  runtime_->set_delay_ms(50);
  StartClient();
  client_->Ask(IdOf(1));
  client_.reset();
}

}  // namespace
}  // namespace vakt
