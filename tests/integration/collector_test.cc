// SPDX-License-Identifier: Apache-2.0
// The collector from outside: gRPC over mTLS on loopback, one in this process per test.
#include <gmock/gmock.h>
#include <google/protobuf/stubs/logging.h>
#include <grpcpp/generic/generic_stub.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "common/base/status.h"
#include "common/recordlog/chain.h"
#include "tests/integration/collector_fixture.h"
#include "vakt/v1/admin.grpc.pb.h"

namespace vakt {
namespace {

using ::testing::HasSubstr;

class CollectorTest : public CollectorFixture {
 protected:
  CollectorTest() { options_.subscribe.heartbeat = absl::Milliseconds(100); }

  std::shared_ptr<grpc::Channel> ChannelOf(const std::string& node) {
    return ChannelAs(AgentUri(node));
  }
  std::shared_ptr<grpc::Channel> UserChannel() { return ChannelAs(kUserUri); }

  // Sends [first, last] in batches and waits for the last acknowledgement.
  void Deliver(const std::string& node, uint64_t first, uint64_t last, uint64_t batch_size = 100) {
    AgentClient agent(ChannelOf(node));
    ASSERT_TRUE(agent.Hello(MakeHello(node), nullptr)) << agent.Finish().error_message();
    int batches = 0;
    for (uint64_t seq = first; seq <= last; ++batches) {
      std::vector<v1::Record> batch;
      for (uint64_t i = 0; i < batch_size && seq <= last; ++i) {
        batch.push_back(MakeAlertRecord({.seq = seq++}));
      }
      ASSERT_TRUE(agent.Send(batch));
    }
    v1::Position stored;
    while (batches-- > 0) {
      ASSERT_TRUE(agent.ReadAck(&stored)) << agent.Finish().error_message();
    }
    EXPECT_EQ(stored.seq(), last);
    EXPECT_TRUE(agent.Finish().ok());
  }

  // The answer of grpc.health.v1.Health/Check, whose messages have one field each.
  static constexpr char kServing[] = "\x08\x01";
  static constexpr char kNotServing[] = "\x08\x02";
  std::string HealthOf(const std::string& service) {
    const std::string request = std::string{'\x0a', static_cast<char>(service.size())} + service;
    grpc::GenericStub stub(UserChannel());
    grpc::CompletionQueue queue;
    grpc::ClientContext context;
    grpc::Slice slice(request);
    const auto call = stub.PrepareUnaryCall(&context, "/grpc.health.v1.Health/Check",
                                            grpc::ByteBuffer(&slice, 1), &queue);
    grpc::ByteBuffer answer;
    grpc::Status status;
    call->StartCall();
    call->Finish(&answer, &status, nullptr);
    void* tag = nullptr;
    bool ok = false;
    queue.Next(&tag, &ok);
    EXPECT_TRUE(status.ok()) << status.error_message();
    std::vector<grpc::Slice> slices;
    answer.Dump(&slices);
    std::string bytes;
    for (const grpc::Slice& part : slices) {
      bytes.append(reinterpret_cast<const char*>(part.begin()), part.size());
    }
    return bytes;
  }

  static v1::SubscribeRequest FromBeginning() {
    v1::SubscribeRequest request;
    request.set_from_beginning(true);
    request.mutable_filter()->set_include_gaps(true);
    return request;
  }
};

TEST_F(CollectorTest, AcknowledgesWhatItStoredAndServesIt) {
  Start();
  AgentClient agent(ChannelOf("n1"));
  v1::Welcome welcome;
  ASSERT_TRUE(agent.Hello(MakeHello("n1"), &welcome));
  EXPECT_FALSE(welcome.has_stored());
  EXPECT_EQ(welcome.collector_version(), "0.1.0");
  ASSERT_TRUE(agent.Send({MakeAlertRecord({.seq = 1}), MakeGapRecord({.seq = 2}, 3)}));
  v1::Position stored;
  ASSERT_TRUE(agent.ReadAck(&stored));
  EXPECT_EQ(stored.epoch(), 1000u);
  EXPECT_EQ(stored.seq(), 2u);
  EXPECT_TRUE(agent.Finish().ok());

  const auto alerts = QueryAll(UserChannel(), {});
  ASSERT_EQ(alerts.size(), 1u);
  EXPECT_EQ(alerts[0].node(), "n1");
  EXPECT_EQ(alerts[0].cluster(), "c1");
  const auto stub = v1::Alerts::NewStub(UserChannel());
  grpc::ClientContext context;
  v1::GetAlertRequest request;
  request.set_uid(alerts[0].record().alert().uid());
  v1::StoredRecord found;
  ASSERT_TRUE(stub->GetAlert(&context, request, &found).ok());
  EXPECT_EQ(found.SerializeAsString(), alerts[0].SerializeAsString());
}

TEST_F(CollectorTest, ResendingAfterAReconnectStoresOnce) {
  Start();
  ASSERT_NO_FATAL_FAILURE(Deliver("n1", 1, 500));
  ASSERT_NO_FATAL_FAILURE(Deliver("n1", 1, 700));
  AgentClient agent(ChannelOf("n1"));
  v1::Welcome welcome;
  ASSERT_TRUE(agent.Hello(MakeHello("n1", 1001), &welcome));
  EXPECT_EQ(welcome.stored().epoch(), 1000u);
  EXPECT_EQ(welcome.stored().seq(), 700u);
  EXPECT_EQ(QueryAll(UserChannel(), {}).size(), 700u);
}

TEST_F(CollectorTest, ANodeCanOnlySpeakForItself) {
  Start();
  AgentClient agent(ChannelOf("n1"));
  EXPECT_FALSE(agent.Hello(MakeHello("n2"), nullptr));
  const grpc::Status status = agent.Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_THAT(status.error_message(), HasSubstr("the certificate is for node n1"));
  EXPECT_EQ(collector_->ingest_stats().forged, 1u);
  AgentClient again(ChannelOf("n1"));
  EXPECT_FALSE(again.Hello(MakeHello("n3"), nullptr));
  EXPECT_EQ(collector_->ingest_stats().forged, 2u);
  std::vector<v1::StoredRecord> alerts;
  while (alerts.empty()) alerts = QueryAll(UserChannel(), {});
  ASSERT_EQ(alerts.size(), 1u);  // the second is held back
  EXPECT_EQ(alerts[0].record().alert().rule(), "Vakt node claims another identity");
  EXPECT_THAT(alerts[0].record().alert().output(), HasSubstr("claimed=n2"));
}

TEST_F(CollectorTest, ARewrittenStreamIsStoredAndTold) {
  Start();
  const std::string record = MakeAlertRecord({.seq = 1}).SerializeAsString();
  const ChainHash after = NextChainHash({}, {1000, 1, v1::PRIORITY_WARNING, record});
  v1::AgentMessage message;
  message.mutable_batch()->add_records(record);
  message.mutable_batch()->set_chain_before(std::string(AsBytes(ChainHash{})));
  message.mutable_batch()->set_chain_after(std::string(AsBytes(after)));
  {
    AgentClient agent(ChannelOf("n1"));
    ASSERT_TRUE(agent.Hello(MakeHello("n1"), nullptr));
    ASSERT_TRUE(agent.Send(message));
    v1::Position stored;
    ASSERT_TRUE(agent.ReadAck(&stored));
  }
  v1::Hello hello = MakeHello("n1");
  hello.mutable_head()->mutable_position()->set_epoch(1000);
  hello.mutable_head()->mutable_position()->set_seq(1);
  hello.mutable_head()->set_hash(std::string(AsBytes(after)));
  ASSERT_TRUE(AgentClient(ChannelOf("n1")).Hello(hello, nullptr));
  EXPECT_EQ(collector_->store().chain_breaks(), 0u);
  hello.mutable_head()->set_hash(std::string(32, 'x'));
  ASSERT_TRUE(AgentClient(ChannelOf("n1")).Hello(hello, nullptr));
  EXPECT_EQ(collector_->store().chain_breaks(), 1u);
  v1::Filter filter;
  filter.add_nodes("n1");
  filter.add_rules("Vakt node stream forked");
  EXPECT_EQ(QueryAll(UserChannel(), filter).size(), 1u);
}

TEST_F(CollectorTest, AnAgentBeyondItsRateWaitsAndLosesNothing) {
  options_.ingest.bytes_per_second = 50'000;
  Start();
  const absl::Time begin = absl::Now();
  ASSERT_NO_FATAL_FAILURE(Deliver("n1", 1, 400));  // more than 100 kB
  EXPECT_GT(collector_->ingest_stats().held_back, 0u);
  EXPECT_GT(absl::Now() - begin, absl::Milliseconds(500));
  EXPECT_EQ(QueryAll(UserChannel(), {}).size(), 400u);
}

TEST_F(CollectorTest, ANodeThatUsedUpItsShareWaitsAndOthersDoNot) {
  options_.ingest.node_bytes_per_day = 1 << 20;
  Start();
  const auto channel = ChannelOf("n1");
  const auto large = [](uint64_t seq) {
    return MakeAlertRecord({.seq = seq}, {.output = std::string(100 << 10, 'x')});
  };
  v1::Position stored;
  {
    AgentClient greedy(channel);
    ASSERT_TRUE(greedy.Hello(MakeHello("n1"), nullptr));
    for (uint64_t seq = 1; seq <= 11; ++seq) {  // the last one is more than is left
      ASSERT_TRUE(greedy.Send({large(seq)}) && greedy.ReadAck(&stored)) << seq;
    }
    ASSERT_TRUE(greedy.Send({large(12)}));
    while (collector_->ingest_stats().held_back == 0) absl::SleepFor(absl::Milliseconds(5));
  }
  // Coming back does not help.
  AgentClient again(channel);
  v1::Welcome welcome;
  ASSERT_TRUE(again.Hello(MakeHello("n1"), &welcome));
  EXPECT_EQ(welcome.stored().seq(), 11u);
  ASSERT_TRUE(again.Send({large(12)}));
  // Others go on, and everybody can see what is the matter.
  ASSERT_NO_FATAL_FAILURE(Deliver("n2", 1, 50));
  const auto fleet = v1::Fleet::NewStub(UserChannel());
  std::string conditions;
  const absl::Time deadline = absl::Now() + absl::Seconds(20);
  while (conditions.empty() && absl::Now() < deadline) {
    for (const v1::Node& node : ListAllNodes(fleet.get())) {
      for (const v1::OpenCondition& open : node.conditions()) {
        conditions += StrCat(node.node(), ":", open.name(), " ");
      }
    }
    absl::SleepFor(absl::Milliseconds(20));
  }
  EXPECT_EQ(conditions, "n1:node_over_share ");
  v1::Filter of_n1;
  of_n1.add_nodes("n1");
  EXPECT_EQ(QueryAll(UserChannel(), of_n1).size(), 11u + 1u);  // and the condition's own
}

TEST_F(CollectorTest, TakesNoMoreAgentsThanItsLimit) {
  options_.ingest.max_agents = 2;
  Start();
  AgentClient first(ChannelOf("n1"));
  ASSERT_TRUE(first.Hello(MakeHello("n1"), nullptr));
  AgentClient second(ChannelOf("n2"));
  ASSERT_TRUE(second.Hello(MakeHello("n2"), nullptr));
  AgentClient third(ChannelOf("n3"));
  EXPECT_FALSE(third.Hello(MakeHello("n3"), nullptr));
  EXPECT_EQ(third.Finish().error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  AgentClient again(ChannelOf("n2"));  // takes its own place
  EXPECT_TRUE(again.Hello(MakeHello("n2"), nullptr));
}

TEST_F(CollectorTest, EndsStreamsOnWhichNothingComes) {
  options_.ingest.hello_timeout = absl::Milliseconds(200);
  options_.ingest.idle_timeout = absl::Milliseconds(400);
  Start();
  AgentClient mute(ChannelOf("n1"));
  const grpc::Status no_hello = mute.AwaitEnd();
  EXPECT_EQ(no_hello.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_THAT(no_hello.error_message(), HasSubstr("no Hello within"));
  AgentClient idle(ChannelOf("n2"));
  ASSERT_TRUE(idle.Hello(MakeHello("n2"), nullptr));
  EXPECT_THAT(idle.AwaitEnd().error_message(), HasSubstr("no message within"));
  EXPECT_EQ(collector_->ingest_stats().idle, 2u);
}

TEST_F(CollectorTest, EachServiceTakesOnlyItsKindOfCertificate) {
  Start();
  for (const char* uri : {kUserUri, "spiffe://test/collector/main", ""}) {
    AgentClient agent(ChannelAs(uri));
    EXPECT_FALSE(agent.Hello(MakeHello("n1"), nullptr));
    EXPECT_EQ(agent.Finish().error_code(), grpc::StatusCode::PERMISSION_DENIED) << uri;
  }
  for (const std::string& uri : {AgentUri("n1"), std::string("spiffe://test/user/eve/role/root"),
                                 std::string("spiffe://test/collector/main"), std::string()}) {
    const auto channel = ChannelAs(uri);
    grpc::Status status;
    QueryAll(channel, {}, &status);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::PERMISSION_DENIED) << uri;
    SubscriberClient subscriber(channel, {});
    EXPECT_EQ(subscriber.Finish().error_code(), grpc::StatusCode::PERMISSION_DENIED) << uri;
    grpc::ClientContext context;
    v1::ListNodesResponse nodes;
    EXPECT_EQ(v1::Fleet::NewStub(channel)->ListNodes(&context, {}, &nodes).error_code(),
              grpc::StatusCode::PERMISSION_DENIED)
        << uri;
  }
}

TEST_F(CollectorTest, CertificatesOfAnotherAuthorityDoNotGetIn) {
  Start();
  TestAuthority other;
  CertificateSet certificates = other.Issue(kUserUri);
  certificates.ca_pem = authority_.Issue("").ca_pem;  // it would trust the collector
  grpc::Status status;
  QueryAll(OpenChannel(collector_->address(), certificates), {}, &status);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
}

class MalformedTest : public CollectorTest {
 protected:
  // What the collector says to `message` after a good Hello.
  grpc::Status AnswerTo(const v1::AgentMessage& message) {
    google::protobuf::SetLogHandler(nullptr);
    AgentClient agent(ChannelOf("n1"));
    EXPECT_TRUE(agent.Hello(MakeHello("n1"), nullptr));
    agent.Send(message);
    v1::Position stored;
    EXPECT_FALSE(agent.ReadAck(&stored));
    return agent.Finish();
  }
  static v1::AgentMessage BatchOf(const std::vector<std::string>& records) {
    v1::AgentMessage message;
    for (const std::string& record : records) message.mutable_batch()->add_records(record);
    return message;
  }
};

TEST_F(MalformedTest, MessagesAreRefusedWithWhatAndWhere) {
  Start();
  const std::string good = MakeAlertRecord({}).SerializeAsString();
  const auto refuses = [&](const v1::AgentMessage& message, grpc::StatusCode code,
                           const std::string& text) {
    const grpc::Status status = AnswerTo(message);
    EXPECT_EQ(status.error_code(), code) << text;
    EXPECT_THAT(status.error_message(), HasSubstr(text));
  };
  using enum grpc::StatusCode;
  refuses(BatchOf(std::vector<std::string>(10'001, good)), RESOURCE_EXHAUSTED,
          "Batch has 10001 records");
  refuses(BatchOf(std::vector<std::string>(50, std::string(100'000, 'x'))), RESOURCE_EXHAUSTED,
          "");  // by gRPC, before anything is decoded
  // Of a node without any record, that does not tell where its batch ends: nothing to acknowledge.
  refuses(BatchOf({"\xff\xff"}), INVALID_ARGUMENT, "Batch.records[0]: not an encoded");
  v1::AgentMessage empty;
  empty.mutable_batch();
  refuses(empty, INVALID_ARGUMENT, "without records");
  v1::AgentMessage short_hash = BatchOf({good});
  short_hash.mutable_batch()->set_chain_after("short");
  refuses(short_hash, INVALID_ARGUMENT, "Batch.chain_after has 5 bytes");
  v1::AgentMessage hello;
  *hello.mutable_hello() = MakeHello("n1");
  refuses(hello, INVALID_ARGUMENT, "second Hello");
  EXPECT_TRUE(QueryAll(UserChannel(), {}).empty());  // nothing of a refused batch is stored
  EXPECT_GT(collector_->ingest_stats().malformed, 0u);
}

TEST_F(MalformedTest, ARecordIsSetAsideAndTheStreamGoesOn) {
  google::protobuf::SetLogHandler(nullptr);
  Start();
  const auto record = [](uint64_t seq) {
    return MakeAlertRecord({.seq = seq}).SerializeAsString();
  };
  std::string not_utf8 = MakeAlertRecord({.seq = 2}, {.output = "marker"}).SerializeAsString();
  not_utf8[not_utf8.find("marker")] = '\xff';
  AgentClient agent(ChannelOf("n1"));
  ASSERT_TRUE(agent.Hello(MakeHello("n1"), nullptr));
  v1::Position stored;
  ASSERT_TRUE(agent.Send(BatchOf({record(1), not_utf8, record(3)})));
  ASSERT_TRUE(agent.ReadAck(&stored));
  EXPECT_EQ(stored.seq(), 3u);
  v1::AgentMessage unreadable =
      BatchOf({"\xff\xff", std::string(kMaxRecordBytes + 1, 'x'),
               MakeAlertRecord({.epoch = 1001, .seq = 6}).SerializeAsString()});
  unreadable.mutable_batch()->mutable_last()->set_epoch(1000);
  unreadable.mutable_batch()->mutable_last()->set_seq(6);
  ASSERT_TRUE(agent.Send(unreadable));
  ASSERT_TRUE(agent.ReadAck(&stored));
  EXPECT_EQ(stored.epoch(), 1000u);
  EXPECT_EQ(stored.seq(), 6u);
  ASSERT_TRUE(agent.Send(BatchOf({record(7)})));
  ASSERT_TRUE(agent.ReadAck(&stored));
  EXPECT_EQ(stored.seq(), 7u);
  ASSERT_TRUE(agent.Finish().ok());

  v1::Filter filter;
  filter.add_nodes("n1");
  filter.set_include_gaps(true);
  filter.add_rules("Read sensitive file untrusted");
  const auto records = QueryAll(UserChannel(), filter);
  std::vector<uint64_t> seqs;
  for (const v1::StoredRecord& found : records) seqs.push_back(found.record().seq());
  EXPECT_THAT(seqs, ::testing::ElementsAre(1, 2, 3, 6, 7));
  const v1::Gap& one = records[1].record().gap();
  EXPECT_EQ(one.class_(), v1::Gap::CLASS_CORRUPT);
  EXPECT_EQ(one.reason(), "malformed");
  EXPECT_EQ(one.count(), 1u);
  const v1::Gap& three = records[3].record().gap();
  EXPECT_EQ(three.count(), 3u);
  EXPECT_EQ(three.first_seq(), 4u);
  EXPECT_EQ(three.last_seq(), 6u);
  const auto admin = v1::Admin::NewStub(ChannelAs("spiffe://test/user/root/role/admin"));
  grpc::ClientContext context;
  v1::ListMalformedRequest request;
  request.set_cluster("c1");
  request.set_node("n1");
  v1::ListMalformedResponse malformed;
  ASSERT_TRUE(admin->ListMalformed(&context, request, &malformed).ok());
  ASSERT_EQ(malformed.records_size(), 4);
  EXPECT_EQ(malformed.records(3).bytes(), not_utf8);  // the oldest
  EXPECT_EQ(malformed.records(3).gap().seq(), 2u);
  EXPECT_THAT(malformed.records(3).reason(), HasSubstr("not an encoded vakt.v1.Record"));
  EXPECT_EQ(malformed.records(1).size_bytes(), kMaxRecordBytes + 1);
  EXPECT_EQ(malformed.records(1).bytes().size(), kMaxMalformedBytes);
  EXPECT_THAT(malformed.records(0).reason(), HasSubstr("epoch 1001 is newer than Hello's"));
  EXPECT_EQ(collector_->ingest_stats().malformed_records, 4u);
  EXPECT_EQ(collector_->ingest_stats().malformed, 0u);
}

TEST_F(MalformedTest, AStreamBeginsWithAHello) {
  Start();
  AgentClient agent(ChannelOf("n1"));
  agent.Send({MakeAlertRecord({})});
  v1::Position stored;
  EXPECT_FALSE(agent.ReadAck(&stored));
  EXPECT_THAT(agent.Finish().error_message(), HasSubstr("the first message is not a Hello"));
}

TEST_F(MalformedTest, RecordsOfEarlierRunsInTheSpoolAreTaken) {
  Start();
  AgentClient agent(ChannelOf("n1"));
  ASSERT_TRUE(agent.Hello(MakeHello("n1", 1002), nullptr));
  ASSERT_TRUE(agent.Send({MakeAlertRecord({.boot_id = "earlier boot", .epoch = 1000, .seq = 7}),
                          MakeAlertRecord({.epoch = 1001, .seq = 1}),
                          MakeAlertRecord({.epoch = 1002, .seq = 1})}));
  v1::Position stored;
  ASSERT_TRUE(agent.ReadAck(&stored));
  EXPECT_EQ(stored.epoch(), 1002u);
  EXPECT_EQ(QueryAll(UserChannel(), {}).size(), 3u);
}

TEST_F(CollectorTest, ANewerConnectionTakesOver) {
  Start();
  AgentClient old_agent(ChannelOf("n1"));
  ASSERT_TRUE(old_agent.Hello(MakeHello("n1"), nullptr));
  AgentClient new_agent(ChannelOf("n1"));
  ASSERT_TRUE(new_agent.Hello(MakeHello("n1"), nullptr));
  EXPECT_FALSE(old_agent.Finish().ok());
  ASSERT_TRUE(new_agent.Send({MakeAlertRecord({})}));
  v1::Position stored;
  EXPECT_TRUE(new_agent.ReadAck(&stored));
}

TEST_F(CollectorTest, ListsNodesAndWhetherTheyAreConnected) {
  Start();
  ASSERT_NO_FATAL_FAILURE(Deliver("gone", 1, 2));
  AgentClient agent(ChannelOf("here"));
  ASSERT_TRUE(agent.Hello(MakeHello("here"), nullptr));
  v1::AgentMessage beat;
  beat.mutable_heartbeat()->set_spooled_records(5);
  ASSERT_TRUE(agent.Send(beat));
  ASSERT_TRUE(agent.Send({MakeAlertRecord({})}));  // its answer comes after the heartbeat's commit
  v1::Position stored;
  ASSERT_TRUE(agent.ReadAck(&stored));

  const auto fleet = v1::Fleet::NewStub(UserChannel());
  grpc::ClientContext context;
  v1::ListNodesResponse response;
  ASSERT_TRUE(fleet->ListNodes(&context, {}, &response).ok());
  ASSERT_EQ(response.nodes_size(), 2);
  EXPECT_EQ(response.nodes(0).node(), "gone");
  EXPECT_FALSE(response.nodes(0).connected());
  EXPECT_EQ(response.nodes(0).alerts(), 2u);
  EXPECT_EQ(response.nodes(1).node(), "here");
  EXPECT_TRUE(response.nodes(1).connected());
  EXPECT_EQ(response.nodes(1).heartbeat().spooled_records(), 5u);
  EXPECT_EQ(response.nodes(1).hello().agent_version(), "test");
}

TEST_F(CollectorTest, WhenTheStoreIsFullHealthSaysSoOfIngestAlone) {
  options_.store.max_bytes = 1 << 20;
  Start();
  for (const char* service : {"", "vakt.v1.Ingest", "vakt.v1.Alerts"}) {
    EXPECT_EQ(HealthOf(service), kServing) << service;
  }
  AgentClient agent(ChannelOf("n1"));
  ASSERT_TRUE(agent.Hello(MakeHello("n1"), nullptr));
  v1::Position acked;
  std::vector<v1::Record> batch;
  for (uint64_t seq = 0; seq < 10'000; ++seq) {
    batch.push_back(MakeAlertRecord({.seq = seq + 1}));
    if (batch.size() < 500) continue;
    if (!agent.Send(batch) || !agent.ReadAck(&acked)) break;
    batch.clear();
  }
  EXPECT_EQ(HealthOf("vakt.v1.Ingest"), kNotServing);
  EXPECT_EQ(HealthOf("vakt.v1.Alerts"), kServing);
  EXPECT_TRUE(collector_->store().is_full());
  EXPECT_THAT(collector_->MetricsText(), HasSubstr("\nvakt_store_full 1\n"));
}

TEST_F(CollectorTest, WhenTheStoreIsFullAgentsAreToldAndQueriesGoOn) {
  options_.store.max_bytes = 1 << 20;
  Start();
  AgentClient agent(ChannelOf("n1"));
  ASSERT_TRUE(agent.Hello(MakeHello("n1"), nullptr));
  v1::Position acked;
  uint64_t seq = 0;
  bool open = true;
  while (open && seq < 100'000) {
    std::vector<v1::Record> batch;
    for (int i = 0; i < 100; ++i) batch.push_back(MakeAlertRecord({.seq = ++seq}));
    open = agent.Send(batch) && agent.ReadAck(&acked);
  }
  const grpc::Status status = agent.Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED) << status.error_message();
  EXPECT_GT(acked.seq(), 0u);
  EXPECT_EQ(QueryAll(UserChannel(), {}).size(), acked.seq());
}

TEST_F(CollectorTest, SubscribersCatchUpAndFollowWithoutHoleOrRepetition) {
  Start();
  constexpr uint64_t kPerNode = 3000;
  constexpr int kNodes = 3;
  ASSERT_NO_FATAL_FAILURE(Deliver("before", 1, 1000));
  std::vector<std::thread> agents;
  for (int i = 0; i < kNodes; ++i) {
    agents.emplace_back([this, i] { Deliver("n" + std::to_string(i), 1, kPerNode, 37); });
  }
  constexpr uint64_t kTotal = 1000 + kNodes * kPerNode;
  std::vector<std::thread> subscribers;
  for (int i = 0; i < 4; ++i) {
    subscribers.emplace_back([this] {
      SubscriberClient subscriber(UserChannel(), FromBeginning());
      std::set<std::string> seen;
      std::map<std::string, uint64_t> newest;
      int64_t last_id = 0;
      v1::StoredRecord record;
      while (seen.size() < kTotal) {
        ASSERT_TRUE(subscriber.ReadRecord(&record)) << subscriber.Finish().error_message();
        ASSERT_TRUE(seen.insert(record.cursor()).second) << "twice: " << record.cursor();
        const int64_t id = std::stoll(record.cursor().substr(record.cursor().find('.') + 1));
        ASSERT_EQ(id, last_id + 1);
        last_id = id;
        ASSERT_EQ(record.record().seq(), newest[record.node()] + 1);
        newest[record.node()] = record.record().seq();
      }
    });
  }
  for (std::thread& thread : agents) thread.join();
  for (std::thread& thread : subscribers) thread.join();
}

TEST_F(CollectorTest, ASubscriberThatDoesNotReadDelaysNobody) {
  Start();
  ASSERT_NO_FATAL_FAILURE(Deliver("n1", 1, 20'000, 1000));  // more than all buffers hold
  SubscriberClient stuck(UserChannel(), FromBeginning());
  SubscriberClient reading(UserChannel(), FromBeginning());
  v1::StoredRecord record;
  for (uint64_t seq = 1; seq <= 20'000; ++seq) {
    ASSERT_TRUE(reading.ReadRecord(&record));
    ASSERT_EQ(record.record().seq(), seq);
  }
  ASSERT_NO_FATAL_FAILURE(Deliver("n1", 20'001, 20'010));
  for (uint64_t seq = 20'001; seq <= 20'010; ++seq) {
    ASSERT_TRUE(reading.ReadRecord(&record));
    ASSERT_EQ(record.record().seq(), seq);
  }
  for (uint64_t seq = 1; seq <= 20'010; ++seq) {  // and it has missed nothing itself
    ASSERT_TRUE(stuck.ReadRecord(&record));
    ASSERT_EQ(record.record().seq(), seq);
  }
}

TEST_F(CollectorTest, ASubscriptionGoesOnAfterACursor) {
  Start();
  ASSERT_NO_FATAL_FAILURE(Deliver("n1", 1, 5));
  std::string cursor;
  {
    SubscriberClient subscriber(UserChannel(), FromBeginning());
    v1::StoredRecord record;
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(subscriber.ReadRecord(&record));
    cursor = record.cursor();
  }
  v1::SubscribeRequest request;
  request.set_after_cursor(cursor);
  SubscriberClient subscriber(UserChannel(), request);
  v1::StoredRecord record;
  ASSERT_TRUE(subscriber.ReadRecord(&record));
  EXPECT_EQ(record.record().seq(), 4u);

  request.set_after_cursor("nonsense");
  EXPECT_EQ(SubscriberClient(UserChannel(), request).Finish().error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
  request.set_after_cursor(cursor.substr(0, cursor.find('.')) + ".99");
  EXPECT_EQ(SubscriberClient(UserChannel(), request).Finish().error_code(),
            grpc::StatusCode::FAILED_PRECONDITION);
}

TEST_F(CollectorTest, WithoutAStartOnlyWhatIsStoredFromNowOn) {
  Start();
  ASSERT_NO_FATAL_FAILURE(Deliver("n1", 1, 5));
  SubscriberClient subscriber(UserChannel(), {});
  ASSERT_NO_FATAL_FAILURE(Deliver("n1", 6, 7));
  v1::StoredRecord record;
  ASSERT_TRUE(subscriber.ReadRecord(&record));
  EXPECT_EQ(record.record().seq(), 6u);
}

TEST_F(CollectorTest, HeartbeatsMoveTheCursorPastWhatDoesNotMatch) {
  Start();
  ASSERT_NO_FATAL_FAILURE(Deliver("n1", 1, 5));
  v1::SubscribeRequest request = FromBeginning();
  request.mutable_filter()->add_rules("none");
  request.mutable_filter()->set_include_gaps(false);
  SubscriberClient subscriber(UserChannel(), request);
  v1::SubscribeResponse response;
  ASSERT_TRUE(subscriber.Read(&response));
  ASSERT_TRUE(response.has_heartbeat());
  EXPECT_THAT(response.heartbeat().cursor(), ::testing::EndsWith(".5"));
  ASSERT_TRUE(subscriber.Read(&response));  // and they keep coming
  EXPECT_TRUE(response.has_heartbeat());
}

TEST_F(CollectorTest, RefusesMoreSubscriptionsThanItHasRoomFor) {
  options_.subscribe.max_subscriptions = 1;
  Start();
  auto first = std::make_unique<SubscriberClient>(UserChannel(), v1::SubscribeRequest());
  EXPECT_EQ(SubscriberClient(UserChannel(), {}).Finish().error_code(),
            grpc::StatusCode::RESOURCE_EXHAUSTED);
}

TEST_F(CollectorTest, StoppingEndsStreamsAndKeepsWhatWasSent) {
  Start();
  SubscriberClient subscriber(UserChannel(), {});
  AgentClient agent(ChannelOf("n1"));
  ASSERT_TRUE(agent.Hello(MakeHello("n1"), nullptr));
  ASSERT_TRUE(agent.Send({MakeAlertRecord({})}));
  v1::Position stored;
  ASSERT_TRUE(agent.ReadAck(&stored));
  std::thread stop([this] { collector_->Stop(); });
  EXPECT_FALSE(agent.ReadAck(&stored));  // although it keeps its side open
  EXPECT_EQ(subscriber.Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(agent.AwaitEnd().error_code(), grpc::StatusCode::UNAVAILABLE);
  stop.join();
  collector_.reset();
  ASSERT_NO_FATAL_FAILURE(Start());
  EXPECT_EQ(QueryAll(UserChannel(), {}).size(), 1u);
}

TEST_F(CollectorTest, SaysWhichCertificateFileIsWrong) {
  const auto why = [](const CollectorOptions& options) {
    return std::string(Message(Collector::Start(options).status()));
  };
  const TemporaryDirectory other_directory;
  const CertificateFiles other =
      WriteCertificates(authority_.Issue("spiffe://test/collector/b"), other_directory.path());
  CollectorOptions options = options_;
  options.tls.key = other.key;  // of another certificate
  EXPECT_THAT(why(options), HasSubstr(other.key + ": cannot be used as private key"));
  options = options_;
  options.tls.ca = options.tls.key;
  EXPECT_THAT(why(options), HasSubstr("cannot be used as certificate authorities"));
  options = options_;
  options.tls.cert = "/nonexistent/cert.pem";
  EXPECT_THAT(why(options), HasSubstr("/nonexistent/cert.pem: No such file"));
}

}  // namespace
}  // namespace vakt
