// SPDX-License-Identifier: Apache-2.0
// Conditions of nodes, over real gRPC and with short heartbeats: each opens, is seen by whoever
// listens, and resolves; also across a crash of the collector.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/unique_fd.h"
#include "common/time/wall_time.h"
#include "tests/integration/collector_fixture.h"
#include "vakt/v1/fleet.grpc.pb.h"

namespace vakt {
namespace {

using ::testing::HasSubstr;

constexpr absl::Duration kBeat = absl::Milliseconds(100);
constexpr auto kOpened = v1::Condition::STATE_OPENED;
constexpr auto kResolved = v1::Condition::STATE_RESOLVED;

class NodeHealthTest : public CollectorFixture {
 protected:
  NodeHealthTest() {
    InitLog(LogLevel::kError, false);
    options_.fleet = {.tick = absl::Milliseconds(20), .start_grace = absl::Milliseconds(300)};
    options_.node_watch.look = absl::Milliseconds(50);
    options_.metrics_listen = "127.0.0.1:0";
    Start();
  }

  std::unique_ptr<AgentClient> Connect(const std::string& node, const v1::Hello& hello) {
    auto agent = std::make_unique<AgentClient>(ChannelAs(AgentUri(node)));
    EXPECT_TRUE(agent->Hello(hello, nullptr)) << agent->Finish().error_message();
    return agent;
  }
  static v1::Hello HelloOf(const std::string& node) {
    v1::Hello hello = MakeHello(node);
    hello.set_heartbeat_ms(static_cast<uint32_t>(absl::ToInt64Milliseconds(kBeat)));
    hello.set_rules(9);
    AddProbe("probe_exec", "attached", hello.mutable_probes());
    return hello;
  }
  template <typename Probes>
  static void AddProbe(const std::string& name, const std::string& state, Probes* probes) {
    v1::ProbeStatus* probe = probes->Add();
    probe->set_name(name);
    probe->set_state(state);
  }
  static v1::Heartbeat Heartbeat() {
    v1::Heartbeat heartbeat;
    FromWallNs(RealClock().WallNs(), heartbeat.mutable_time());
    return heartbeat;
  }

  // The newest alert about the condition, once there are `count` of them. Keeps the agent beating.
  v1::Alert Await(const std::string& rule, size_t count, AgentClient* agent = nullptr,
                  const v1::Heartbeat& heartbeat = Heartbeat()) {
    v1::Filter filter;
    filter.add_rules(rule);
    const auto user = ChannelAs(kUserUri);
    const absl::Time deadline = absl::Now() + absl::Seconds(20);
    while (absl::Now() < deadline) {
      EXPECT_TRUE(agent == nullptr || agent->Beat(heartbeat));
      const auto records = QueryAll(user, filter);
      if (records.size() >= count) return records.back().record().alert();
      absl::SleepFor(kBeat / 2);
    }
    ADD_FAILURE() << "there are not " << count << " alerts of " << rule;
    return {};
  }
  void Expect(const v1::Alert& alert, v1::Condition::State state, const std::string& text) {
    EXPECT_EQ(alert.condition().state(), state) << alert.output();
    EXPECT_THAT(alert.output(), HasSubstr(text));
    EXPECT_THAT(alert.output(), HasSubstr("node=n1 cluster=c1"));
  }
  v1::Node NodeOf(const std::string& name) {
    const auto stub = v1::Fleet::NewStub(ChannelAs(kUserUri));
    grpc::ClientContext context;
    v1::ListNodesResponse response;
    EXPECT_TRUE(stub->ListNodes(&context, {}, &response).ok());
    for (const v1::Node& node : response.nodes()) {
      if (node.node() == name) return node;
    }
    return {};
  }
  // What GET gives, header and all.
  std::string Get(const std::string& path) const {
    const UniqueFd peer(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<uint16_t>(collector_->metrics_port()));
    if (connect(peer.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) return "";
    const std::string request = "GET " + path + " HTTP/1.0\r\n\r\n";
    send(peer.get(), request.data(), request.size(), MSG_NOSIGNAL);
    std::string answer;
    char bytes[4096];
    for (ssize_t count; (count = recv(peer.get(), bytes, sizeof(bytes), 0)) > 0;) {
      answer.append(bytes, static_cast<size_t>(count));
    }
    return answer;
  }
};

TEST_F(NodeHealthTest, ASilentNodeIsAnAlertUntilItIsHeardAgain) {
  auto agent = Connect("n1", HelloOf("n1"));
  const absl::Time silent_from = absl::Now();
  v1::Alert alert = Await("Vakt node silent", 1);
  EXPECT_GE(absl::Now() - silent_from, 2 * kBeat);
  Expect(alert, kOpened, "nothing heard for");
  EXPECT_EQ(alert.priority(), v1::PRIORITY_CRITICAL);
  ASSERT_EQ(NodeOf("n1").conditions_size(), 1);
  EXPECT_EQ(NodeOf("n1").conditions(0).name(), "node_silent");
  EXPECT_THAT(Get("/metrics"), HasSubstr("vakt_node_conditions{condition=\"node_silent\"} 1\n"));
  alert = Await("Vakt node silent", 2, agent.get());
  Expect(alert, kResolved, "Over after");
}

TEST_F(NodeHealthTest, SubscribersSeeConditionsInTheStream) {
  v1::SubscribeRequest request;
  SubscriberClient subscriber(ChannelAs(kUserUri), request);
  const auto agent = Connect("n1", HelloOf("n1"));
  v1::StoredRecord record;
  ASSERT_TRUE(subscriber.ReadRecord(&record));
  EXPECT_EQ(record.node(), "n1");
  EXPECT_EQ(record.record().alert().condition().name(), "node_silent");
  EXPECT_NE(record.record().alert().uid(), "");
}

TEST_F(NodeHealthTest, AProgramThatChangesWithoutItsVersionIsTold) {
  v1::Hello hello = HelloOf("n1");
  hello.set_agent_version("1.2.3");
  const auto run = [&](char digest) {
    hello.set_program_digest(std::string(32, digest));
    hello.set_epoch(hello.epoch() + 1);
    return Connect("n1", hello);
  };
  run('a');
  auto agent = run('b');
  const v1::Alert alert = Await("Vakt node runs another program", 1, agent.get());
  Expect(alert, kOpened, "now 626262");
  Expect(alert, kOpened, "it was 616161");
  EXPECT_EQ(alert.priority(), v1::PRIORITY_CRITICAL);
  agent.reset();
  collector_.reset();  // it stays open, whatever the collector remembers
  Start();
  agent = run('b');
  for (int i = 0; i < 10; ++i) {
    EXPECT_TRUE(agent->Beat(Heartbeat()));
    absl::SleepFor(kBeat / 2);
  }
  ASSERT_EQ(NodeOf("n1").conditions_size(), 1);
  EXPECT_EQ(NodeOf("n1").conditions(0).name(), "node_program_differs");
  hello.set_agent_version("1.2.4");
  agent = run('c');
  Expect(Await("Vakt node runs another program", 2, agent.get()), kResolved, "Over after ");
}

TEST_F(NodeHealthTest, AProgramThatIsBackOrSilentAboutItself) {
  v1::Hello hello = HelloOf("n1");
  const auto run = [&](const std::string& digest) {
    hello.set_program_digest(digest);
    hello.set_epoch(hello.epoch() + 1);
    return Connect("n1", hello);
  };
  run(std::string(32, 'a'));
  auto agent = run("");
  Expect(Await("Vakt node runs another program", 1, agent.get()), kOpened, "does not say which");
  agent = run(std::string(32, 'a'));
  Expect(Await("Vakt node runs another program", 2, agent.get()), kResolved, "Over after ");
}

TEST_F(NodeHealthTest, LossesOpenAndQuietResolves) {
  auto agent = Connect("n1", HelloOf("n1"));
  v1::Heartbeat heartbeat = Heartbeat();
  (*heartbeat.mutable_counters())["events_lost_total"] = 5;  // from before: known already
  ASSERT_TRUE(agent->Beat(heartbeat));
  (*heartbeat.mutable_counters())["events_lost_total"] = 12;
  Expect(Await("Vakt node losing events", 1, agent.get(), heartbeat), kOpened, "7 events");
  Expect(Await("Vakt node losing events", 2, agent.get(), heartbeat), kResolved, "Over after ");
}

TEST_F(NodeHealthTest, FailedProbesDegradeAndNoProbeIsBlind) {
  v1::Hello hello = HelloOf("n1");
  AddProbe("probe_open", "failed", hello.mutable_probes());
  auto agent = Connect("n1", hello);
  Expect(Await("Vakt node degraded", 1, agent.get()), kOpened, "1 probes failed: probe_open");
  v1::Heartbeat heartbeat = Heartbeat();
  AddProbe("probe_exec", "failed", heartbeat.mutable_probes());
  Expect(Await("Vakt node blind", 1, agent.get(), heartbeat), kOpened, "no probe is attached");
  heartbeat.clear_probes();
  AddProbe("probe_exec", "attached", heartbeat.mutable_probes());
  Expect(Await("Vakt node blind", 2, agent.get(), heartbeat), kResolved, "Over after");
  Expect(Await("Vakt node degraded", 2, agent.get(), heartbeat), kResolved, "Over after");
}

TEST_F(NodeHealthTest, MalformedRecordsOpenAndGoodOnesResolve) {
  auto agent = Connect("n1", HelloOf("n1"));
  v1::AgentMessage message;
  message.mutable_batch()->add_records(MakeAlertRecord({.seq = 1}).SerializeAsString());
  message.mutable_batch()->add_records("\xff\xff");
  ASSERT_TRUE(agent->Send(message));
  v1::Position stored;
  ASSERT_TRUE(agent->ReadAck(&stored));
  EXPECT_EQ(stored.seq(), 2u);
  Expect(Await("Vakt node sends malformed records", 1, agent.get()), kOpened,
         "1 records could not be taken; Batch.records[1]: not an encoded");
  EXPECT_EQ(NodeOf("n1").malformed(), 1u);
  EXPECT_THAT(Get("/metrics"), HasSubstr("\nvakt_ingest_malformed_records_total 1\n"));
  Expect(Await("Vakt node sends malformed records", 2, agent.get()), kResolved, "Over after");
}

TEST_F(NodeHealthTest, AWrongClockAndAnOldCertificate) {
  auto agent = Connect("n1", HelloOf("n1"));
  v1::Heartbeat heartbeat = Heartbeat();
  FromWallNs(RealClock().WallNs() - 3600 * kNsPerSecond, heartbeat.mutable_time());
  FromWallNs(RealClock().WallNs() - 3600 * kNsPerSecond, heartbeat.mutable_certificate_begins());
  FromWallNs(RealClock().WallNs() + 60 * kNsPerSecond, heartbeat.mutable_certificate_ends());
  Expect(Await("Vakt node clock off", 1, agent.get(), heartbeat), kOpened, "1h behind");
  Expect(Await("Vakt node certificate near its end", 1, agent.get(), heartbeat), kOpened,
         "its certificate ends ");
  FromWallNs(RealClock().WallNs() + 10 * 3600 * kNsPerSecond, heartbeat.mutable_certificate_ends());
  FromWallNs(RealClock().WallNs(), heartbeat.mutable_time());
  Expect(Await("Vakt node certificate near its end", 2, agent.get(), heartbeat), kResolved, "Over");
  Expect(Await("Vakt node clock off", 2, agent.get(), Heartbeat()), kResolved, "Over after");
}

TEST_F(NodeHealthTest, WhatIsOpenIsStillKnownAfterARestart) {
  auto agent = Connect("n1", HelloOf("n1"));
  Await("Vakt node silent", 1);
  agent.reset();
  collector_.reset();
  Start();
  absl::SleepFor(options_.fleet.start_grace + 5 * kBeat);
  v1::Filter filter;
  filter.add_rules("Vakt node silent");
  EXPECT_EQ(QueryAll(ChannelAs(kUserUri), filter).size(), 1u);  // neither resolved nor opened anew
  ASSERT_EQ(NodeOf("n1").conditions_size(), 1);
  agent = Connect("n1", HelloOf("n1"));
  Expect(Await("Vakt node silent", 2, agent.get()), kResolved, "Over after");
  EXPECT_EQ(NodeOf("n1").conditions_size(), 0);
}

// What a watcher knows: the last it was told of each node.
class Watcher {
 public:
  explicit Watcher(const std::shared_ptr<grpc::Channel>& channel)
      : stub_(v1::Fleet::NewStub(channel)), reader_(stub_->WatchNodes(&context_, {})) {
    context_.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(60)));
  }
  ~Watcher() {
    if (finished_) return;
    context_.TryCancel();
    reader_->Finish();
  }
  template <typename Condition>
  bool Await(const Condition& condition) {
    v1::WatchNodesResponse response;
    while (!condition(nodes)) {
      if (!reader_->Read(&response)) return false;
      if (response.has_node()) nodes[response.node().node()] = response.node();
      if (response.has_forgotten()) nodes.erase(response.forgotten().node());
      up_to_date = up_to_date || response.has_up_to_date();
    }
    return true;
  }
  grpc::Status Finish() {
    finished_ = true;
    v1::WatchNodesResponse rest;
    while (reader_->Read(&rest)) continue;
    return reader_->Finish();
  }

  std::map<std::string, v1::Node> nodes;
  bool up_to_date = false;

 private:
  grpc::ClientContext context_;
  std::unique_ptr<v1::Fleet::Stub> stub_;
  std::unique_ptr<grpc::ClientReader<v1::WatchNodesResponse>> reader_;
  bool finished_ = false;
};

TEST_F(NodeHealthTest, AWatcherSeesNodesComeChangeGoAndForgotten) {
  using Nodes = std::map<std::string, v1::Node>;
  auto first = Connect("n1", HelloOf("n1"));
  Watcher watcher(ChannelAs(kUserUri));
  ASSERT_TRUE(watcher.Await(
      [](const Nodes& nodes) { return nodes.size() == 1 && nodes.at("n1").connected(); }));
  auto second = Connect("n2", HelloOf("n2"));
  ASSERT_TRUE(watcher.Await([](const Nodes& nodes) { return nodes.size() == 2; }));
  EXPECT_TRUE(watcher.up_to_date);
  second.reset();
  ASSERT_TRUE(watcher.Await([](const Nodes& nodes) {
    return !nodes.at("n2").connected() && nodes.at("n2").conditions_size() == 1;
  }));
  const auto forget = [this](const std::string& role, const std::string& node) {
    grpc::ClientContext context;
    v1::ForgetNodeRequest request;
    request.set_cluster("c1");
    request.set_node(node);
    v1::ForgetNodeResponse response;
    return v1::Fleet::NewStub(ChannelAs("spiffe://test/user/eve/role/" + role))
        ->ForgetNode(&context, request, &response)
        .error_code();
  };
  EXPECT_EQ(forget("analyst", "n2"), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(forget("admin", "n1"), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(forget("admin", "n2"), grpc::StatusCode::OK);
  ASSERT_TRUE(watcher.Await([](const Nodes& nodes) { return nodes.size() == 1; }));
  Await("Vakt node silent", 3, first.get());  // n1 and n2 opened, and at least n2 resolved
  v1::Filter filter;
  filter.add_nodes("n2");
  EXPECT_EQ(QueryAll(ChannelAs(kUserUri), filter).back().record().alert().condition().state(),
            kResolved);
}

TEST_F(NodeHealthTest, AWatchEndsWithTheCollector) {
  Watcher watcher(ChannelAs(kUserUri));
  ASSERT_TRUE(watcher.Await([&](const auto&) { return watcher.up_to_date; }));
  collector_->Stop();
  EXPECT_EQ(watcher.Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(NodeHealthTest, MetricsAndHealthAreThere) {
  auto agent = Connect("n1", HelloOf("n1"));
  ASSERT_TRUE(agent->Send({MakeAlertRecord({.seq = 1})}));
  v1::Position stored;
  ASSERT_TRUE(agent->ReadAck(&stored));
  const std::string metrics = Get("/metrics");
  EXPECT_THAT(metrics, HasSubstr("HTTP/1.1 200 OK"));
  EXPECT_THAT(metrics, HasSubstr("version=0.0.4"));
  EXPECT_THAT(metrics, HasSubstr("\nvakt_nodes 1\n"));
  EXPECT_THAT(metrics, HasSubstr("\nvakt_ingest_records_total 1\n"));
  EXPECT_THAT(metrics, HasSubstr("\nvakt_ingest_refused_total{reason=\"forged\"} 0\n"));
  EXPECT_THAT(Get("/healthz"), HasSubstr("200 OK"));
  EXPECT_THAT(Get("/readyz"), HasSubstr("200 OK"));
  EXPECT_THAT(Get("/etc/passwd"), HasSubstr("404"));
  collector_->Stop();
  EXPECT_THAT(Get("/readyz"), HasSubstr("503"));
}

}  // namespace
}  // namespace vakt
