// SPDX-License-Identifier: Apache-2.0
// Named consumers, which stall, crash and come back: they miss nothing and see nothing twice beyond
// what they acknowledged. VAKT_CONSUMER_RUNS sets how often they come back (1,000).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/time/clock.h"
#include "tests/integration/collector_fixture.h"

namespace vakt {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;

int Runs() {
  const char* text = getenv("VAKT_CONSUMER_RUNS");
  return text == nullptr ? 1000 : atoi(text);
}

class ConsumerTest : public CollectorFixture {
 protected:
  ConsumerTest() {
    options_.subscribe.heartbeat = absl::Milliseconds(100);
    options_.door.user_calls_per_second = 0;  // they acknowledge as fast as the machine goes
  }
  std::shared_ptr<grpc::Channel> UserChannel(const std::string& user = "siem",
                                             const std::string& role = "viewer") {
    return ChannelAs("spiffe://test/user/" + user + "/role/" + role);
  }
  static void Deliver(AgentClient& agent, uint64_t first, uint64_t last) {
    std::vector<v1::Record> batch;
    for (uint64_t seq = first; seq <= last; ++seq) batch.push_back(MakeAlertRecord({.seq = seq}));
    v1::Position stored;
    ASSERT_TRUE(agent.Send(batch) && agent.ReadAck(&stored));
  }
  void Deliver(uint64_t first, uint64_t last) {
    AgentClient agent(ChannelAs(AgentUri("n1")));
    ASSERT_TRUE(agent.Hello(MakeHello("n1"), nullptr));
    Deliver(agent, first, last);
  }
  static v1::SubscribeRequest As(const std::string& consumer, bool from_beginning = true) {
    v1::SubscribeRequest request;
    request.set_consumer(consumer);
    if (from_beginning) request.set_from_beginning(true);
    return request;
  }
  static grpc::Status Acknowledge(const std::shared_ptr<grpc::Channel>& channel,
                                  const std::string& consumer, const std::string& cursor,
                                  std::string* stands = nullptr) {
    v1::AcknowledgeRequest request;
    request.set_consumer(consumer);
    request.set_cursor(cursor);
    v1::AcknowledgeResponse response;
    grpc::ClientContext context;
    const grpc::Status status =
        v1::Alerts::NewStub(channel)->Acknowledge(&context, request, &response);
    if (stands != nullptr) *stands = response.acknowledged();
    return status;
  }
  static std::vector<v1::Consumer> List(const std::shared_ptr<grpc::Channel>& channel) {
    grpc::ClientContext context;
    v1::ListConsumersResponse response;
    EXPECT_TRUE(v1::Alerts::NewStub(channel)->ListConsumers(&context, {}, &response).ok());
    return {response.consumers().begin(), response.consumers().end()};
  }
  static grpc::Status Delete(const std::shared_ptr<grpc::Channel>& channel,
                             const std::string& consumer, const std::string& user = "") {
    grpc::ClientContext context;
    v1::DeleteConsumerRequest request;
    request.set_consumer(consumer);
    request.set_user(user);
    v1::DeleteConsumerResponse response;
    return v1::Alerts::NewStub(channel)->DeleteConsumer(&context, request, &response);
  }
  // A consumer that stalls, leaves and comes back, while an agent sends `make(seq)` for ever.
  void ComeBackManyTimes(const v1::SubscribeRequest& request,
                         const std::function<v1::Record(uint64_t)>& make,
                         const std::function<bool(uint64_t)>& is_wanted);
};

void ConsumerTest::ComeBackManyTimes(const v1::SubscribeRequest& request,
                                     const std::function<v1::Record(uint64_t)>& make,
                                     const std::function<bool(uint64_t)>& is_wanted) {
  Start();
  auto agent_channel = ChannelAs(AgentUri("n1"));
  std::atomic<bool> stop{false};
  std::thread agent_thread([&] {  // keeps the live end moving
    AgentClient agent(agent_channel);
    ASSERT_TRUE(agent.Hello(MakeHello("n1"), nullptr));
    for (uint64_t seq = 1; !stop; seq += 10) {
      std::vector<v1::Record> batch;
      for (uint64_t i = seq; i < seq + 10; ++i) batch.push_back(make(i));
      v1::Position stored;
      ASSERT_TRUE(agent.Send(batch) && agent.ReadAck(&stored));
      absl::SleepFor(absl::Milliseconds(2));
    }
  });
  const absl::Cleanup leave = [&] {  // also when an assertion below fails
    stop = true;
    agent_thread.join();
  };
  std::mt19937 random(7);
  auto channel = UserChannel();
  uint64_t acknowledged = 0;
  uint64_t newest = 0;
  for (int run = 0; run < Runs() && !HasFailure(); ++run) {
    if (run % 50 == 49) channel = UserChannel();  // also a new connection
    SubscriberClient subscriber(channel, request);
    const uint64_t count = random() % 40;
    v1::StoredRecord record;
    uint64_t seen = acknowledged;
    for (uint64_t i = 0; i < count; ++i) {
      ASSERT_TRUE(subscriber.ReadRecord(&record)) << subscriber.Finish().error_message();
      do ++seen;
      while (!is_wanted(seen));
      ASSERT_EQ(record.record().seq(), seen) << "in run " << run;
      if (random() % 7 == 0) {
        const grpc::Status status = Acknowledge(channel, "siem-1", record.cursor());
        ASSERT_TRUE(status.ok()) << status.error_message();
        acknowledged = seen;
      }
    }
    if (random() % 10 == 0) absl::SleepFor(absl::Milliseconds(random() % 20));  // stalls
    newest = std::max(newest, seen);
  }  // leaves without a word
  EXPECT_GT(acknowledged, 0u);
  printf("%d streams, %llu records acknowledged\n", Runs(),
         static_cast<unsigned long long>(acknowledged));
}

TEST_F(ConsumerTest, MissesNothingAndSeesNothingTwiceBeyondItsLastAck) {
  ComeBackManyTimes(
      As("siem-1"), [](uint64_t seq) { return MakeAlertRecord({.seq = seq}); },
      [](uint64_t) { return true; });
}

v1::Record AlertOrFlow(uint64_t seq) {
  return seq % 3 == 0 ? MakeAlertRecord({.seq = seq}) : MakeFlowRecord({.seq = seq});
}

TEST_F(ConsumerTest, MissesNoFlowAmongAlertsAndSeesNoneTwice) {
  v1::SubscribeRequest request = As("siem-1");
  request.mutable_filter()->mutable_flows();
  ComeBackManyTimes(request, AlertOrFlow, [](uint64_t) { return true; });
}

TEST_F(ConsumerTest, MissesNoneOfTheFlowsThatItAskedForAlone) {
  v1::SubscribeRequest request = As("siem-1");
  request.mutable_filter()->mutable_flows();
  request.mutable_filter()->set_without_alerts(true);
  ComeBackManyTimes(request, AlertOrFlow, [](uint64_t seq) { return seq % 3 != 0; });
}

TEST_F(ConsumerTest, FlowsComeOnlyToWhomAsksForThem) {
  Start();
  {
    AgentClient agent(ChannelAs(AgentUri("n1")));
    ASSERT_TRUE(agent.Hello(MakeHello("n1"), nullptr));
    ASSERT_TRUE(agent.Send(
        {MakeFlowRecord({.seq = 1}), MakeAlertRecord({.seq = 2}), MakeFlowRecord({.seq = 3})}));
    v1::Position stored;
    ASSERT_TRUE(agent.ReadAck(&stored));
  }
  v1::StoredRecord record;
  SubscriberClient alerts(UserChannel(), As("alerts"));
  ASSERT_TRUE(alerts.ReadRecord(&record));
  EXPECT_EQ(record.record().seq(), 2u);

  v1::SubscribeRequest request = As("flows");
  request.set_format(v1::FORMAT_OCSF);
  request.mutable_filter()->mutable_flows()->add_remotes("198.51.100.0/24");
  request.mutable_filter()->set_without_alerts(true);
  SubscriberClient flows(UserChannel(), request);
  for (const char* end : {".1", ".3"}) {
    ASSERT_TRUE(flows.ReadRecord(&record));
    EXPECT_THAT(record.cursor(), EndsWith(end));
    EXPECT_FALSE(record.has_record());
    EXPECT_THAT(record.ocsf_json(), HasSubstr("\"class_uid\":4001"));
  }

  request.mutable_filter()->mutable_flows()->add_nodes("n1");
  EXPECT_EQ(SubscriberClient(UserChannel(), request).Finish().error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(ConsumerTest, GoesOnAfterARestartOfTheCollectorAlsoBeforeItsFirstAck) {
  Start();
  Deliver(1, 3);
  {
    SubscriberClient subscriber(UserChannel(), As("late", false));  // from now on
    v1::SubscribeResponse response;
    ASSERT_TRUE(subscriber.Read(&response));  // a heartbeat: it stands
  }
  Deliver(4, 5);
  Start();
  SubscriberClient subscriber(UserChannel(), As("late", false));
  v1::StoredRecord record;
  ASSERT_TRUE(subscriber.ReadRecord(&record));
  EXPECT_EQ(record.record().seq(), 4u);
}

TEST_F(ConsumerTest, AcksOnlyMoveForwardAndOnlyWhereRecordsAre) {
  Start();
  Deliver(1, 5);
  const auto channel = UserChannel();
  EXPECT_EQ(Acknowledge(channel, "c", collector_->store().CursorOf(1)).error_code(),
            grpc::StatusCode::NOT_FOUND);
  { SubscriberClient subscriber(channel, As("c")); }
  std::string stands;
  EXPECT_TRUE(Acknowledge(channel, "c", collector_->store().CursorOf(4), &stands).ok());
  EXPECT_TRUE(Acknowledge(channel, "c", collector_->store().CursorOf(2), &stands).ok());
  EXPECT_THAT(stands, EndsWith(".4"));
  EXPECT_EQ(Acknowledge(channel, "c", collector_->store().CursorOf(6)).error_code(),
            grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(Acknowledge(channel, "c", "nonsense").error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(ConsumerTest, ANewerStreamOfAConsumerEndsTheOlder) {
  Start();
  SubscriberClient older(UserChannel(), As("c"));
  SubscriberClient other(UserChannel(), As("d"));
  SubscriberClient newer(UserChannel(), As("c"));
  EXPECT_EQ(older.Finish().error_code(), grpc::StatusCode::ABORTED);
  Deliver(1, 1);
  v1::StoredRecord record;
  EXPECT_TRUE(newer.ReadRecord(&record));
  EXPECT_TRUE(other.ReadRecord(&record));
}

TEST_F(ConsumerTest, UsersHaveConsumersOfTheirOwn) {
  Start();
  Deliver(1, 3);
  const auto alice = UserChannel("alice");
  const auto bob = UserChannel("bob", "analyst");
  SubscriberClient of_alice(alice, As("c"));
  SubscriberClient of_bob(bob, As("c"));  // does not end alice's
  v1::StoredRecord record;
  ASSERT_TRUE(of_alice.ReadRecord(&record));
  ASSERT_TRUE(Acknowledge(alice, "c", record.cursor()).ok());
  const auto listed = List(alice);
  ASSERT_EQ(listed.size(), 1u);
  EXPECT_EQ(listed[0].user(), "alice");
  EXPECT_EQ(listed[0].behind(), 2u);
  EXPECT_TRUE(listed[0].connected());
  EXPECT_TRUE(listed[0].has_acknowledged_at());
  EXPECT_EQ(List(UserChannel("root", "admin")).size(), 2u);
  EXPECT_EQ(Delete(bob, "c", "alice").error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_TRUE(Delete(UserChannel("root", "admin"), "c", "alice").ok());
  EXPECT_EQ(Delete(alice, "c").error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_TRUE(Delete(bob, "c").ok());
}

TEST_F(ConsumerTest, NamesAndNumbersAreBounded) {
  Start();
  const auto channel = UserChannel();
  for (const std::string& name : {std::string("a/b"), std::string("\n"), std::string(254, 'x')}) {
    EXPECT_EQ(SubscriberClient(channel, As(name)).Finish().error_code(),
              grpc::StatusCode::INVALID_ARGUMENT);
  }
  for (int i = 0; i < 100; ++i) {
    SubscriberClient subscriber(channel, As("c" + std::to_string(i)));
    v1::SubscribeResponse response;
    ASSERT_TRUE(subscriber.Read(&response));
  }
  EXPECT_EQ(SubscriberClient(channel, As("one-more")).Finish().error_code(),
            grpc::StatusCode::FAILED_PRECONDITION);
}

TEST_F(ConsumerTest, IsToldWhenRecordsExpiredBeforeItReadThem) {
  options_.store.retention = absl::Seconds(1);
  Start();
  Deliver(1, 3);
  { SubscriberClient subscriber(UserChannel(), As("c")); }
  absl::SleepFor(absl::Milliseconds(1100));
  Start();  // looks for expired records at once
  while (collector_->store().commits() < 1) absl::SleepFor(absl::Milliseconds(5));
  Deliver(4, 4);
  SubscriberClient subscriber(UserChannel(), As("c"));
  v1::SubscribeResponse response;
  ASSERT_TRUE(subscriber.Read(&response));
  ASSERT_TRUE(response.has_expired()) << response.ShortDebugString();
  EXPECT_THAT(response.expired().until_cursor(), EndsWith(".3"));
  ASSERT_TRUE(subscriber.Read(&response));
  EXPECT_EQ(response.record().record().seq(), 4u);
}

TEST_F(ConsumerTest, AConditionFiltersTheStreamAndTheQuery) {
  Start();
  {
    AgentClient agent(ChannelAs(AgentUri("n1")));
    ASSERT_TRUE(agent.Hello(MakeHello("n1"), nullptr));
    ASSERT_TRUE(agent.Send({MakeAlertRecord({.seq = 1}, {.priority = v1::PRIORITY_DEBUG}),
                            MakeAlertRecord({.seq = 2}, {.priority = v1::PRIORITY_ALERT}),
                            MakeAlertRecord({.seq = 3}, {.rule = "Other"})}));
    v1::Position stored;
    ASSERT_TRUE(agent.ReadAck(&stored));
  }
  v1::SubscribeRequest request = As("c");
  request.mutable_filter()->set_condition("alert.severity <= 1 or alert.rule = Other");
  SubscriberClient subscriber(UserChannel(), request);
  v1::StoredRecord record;
  ASSERT_TRUE(subscriber.ReadRecord(&record));
  EXPECT_EQ(record.record().seq(), 2u);
  ASSERT_TRUE(subscriber.ReadRecord(&record));
  EXPECT_EQ(record.record().seq(), 3u);
  v1::Filter filter;
  filter.set_condition("alert.rule = Other and user.name = alice");
  EXPECT_EQ(QueryAll(UserChannel(), filter).size(), 1u);
  filter.set_condition("alert.rule =");
  grpc::Status status;
  QueryAll(UserChannel(), filter, &status);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

}  // namespace
}  // namespace vakt
