// SPDX-License-Identifier: Apache-2.0
// Who may call what, from outside: every method of every service with every role and with none, by
// certificate and by token; and what the audit log says of it.
#include <gmock/gmock.h>
#include <google/protobuf/descriptor.h>
#include <grpcpp/generic/generic_stub.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "collector/access/rpc_table.h"
#include "common/base/file.h"
#include "common/base/sha256.h"
#include "common/base/strings.h"
#include "tests/integration/collector_fixture.h"
#include "vakt/v1/admin.grpc.pb.h"

namespace vakt {
namespace {

using ::testing::HasSubstr;

constexpr char kPackage[] = "vakt.v1.";

class AccessTest : public CollectorFixture {
 protected:
  AccessTest() { options_.token_file = directory_.path() + "/tokens"; }

  void WriteTokens(const std::string& text) {
    ASSERT_TRUE(WriteFileAtomically(options_.token_file, text, 0600).ok());
  }
  static std::string Line(const std::string& name, const std::string& role,
                          const std::string& until = "") {
    return StrCat(name, " ", role, " ", ToHex(Sha256("secret of " + name)), " ", until, "\n");
  }
  std::shared_ptr<grpc::Channel> ByRole(const std::string& role) {
    return ChannelAs("spiffe://test/user/u-" + role + "/role/" + role);
  }
  // Without a certificate; `token` may be empty.
  std::shared_ptr<grpc::Channel> ByToken(const std::string& token) {
    grpc::SslCredentialsOptions options;
    options.pem_root_certs = authority_.Issue("").ca_pem;
    std::shared_ptr<grpc::ChannelCredentials> credentials = grpc::SslCredentials(options);
    if (!token.empty()) {
      credentials =
          grpc::CompositeChannelCredentials(credentials, grpc::AccessTokenCredentials(token));
    }
    return grpc::CreateChannel(collector_->address(), credentials);
  }

  // Calls the method with an empty message. What it says to that is up to it; only the gate counts.
  static grpc::StatusCode Call(const std::shared_ptr<grpc::Channel>& channel,
                               const std::string& path) {
    grpc::GenericStub stub(channel);
    grpc::CompletionQueue queue;
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(1)));
    auto call = stub.PrepareCall(&context, path, &queue);
    const auto wait = [&queue] {
      void* tag = nullptr;
      bool ok = false;
      return queue.Next(&tag, &ok) && ok;
    };
    call->StartCall(nullptr);
    wait();
    grpc::Slice empty("");
    call->WriteLast(grpc::ByteBuffer(&empty, 1), {}, nullptr);
    wait();
    grpc::ByteBuffer answer;
    do {
      call->Read(&answer, nullptr);
    } while (wait());
    grpc::Status status;
    call->Finish(&status, nullptr);
    wait();  // a stream that goes on is ended by the deadline: it was let in
    return status.error_code();
  }
  static bool LetIn(grpc::StatusCode code) {
    EXPECT_NE(code, grpc::StatusCode::UNIMPLEMENTED);
    EXPECT_NE(code, grpc::StatusCode::UNAVAILABLE);
    return code != grpc::StatusCode::PERMISSION_DENIED && code != grpc::StatusCode::UNAUTHENTICATED;
  }

  std::vector<v1::AuditEntry> Audit(const v1::ListAuditRequest& request = {}) {
    const auto stub = v1::Admin::NewStub(ByRole("admin"));
    grpc::ClientContext context;
    v1::ListAuditResponse response;
    EXPECT_TRUE(stub->ListAudit(&context, request, &response).ok());
    return {response.entries().begin(), response.entries().end()};
  }
  static grpc::Status Query(const std::shared_ptr<grpc::Channel>& channel) {
    grpc::ClientContext context;
    v1::QueryResponse response;
    return v1::Alerts::NewStub(channel)->Query(&context, {}, &response);
  }
};

TEST_F(AccessTest, EveryMethodTakesTheRolesOfItsRowAndNoOthers) {
  WriteTokens(Line("viewer", "viewer") + Line("analyst", "analyst") + Line("admin", "admin"));
  Start();
  struct Peer {
    std::string name;
    std::shared_ptr<grpc::Channel> channel;
    bool is_agent;
    int access;  // -1: nobody
  };
  std::vector<Peer> peers = {{"nobody", ByToken(""), false, -1},
                             {"bad token", ByToken("guess"), false, -1},
                             {"stranger", ChannelAs("spiffe://test/other"), false, -1},
                             {"agent", ChannelAs(AgentUri("n1")), true, -1}};
  for (const char* role : {"viewer", "analyst", "admin"}) {
    const int access = static_cast<int>(AccessOf(ParseRole(role).value()));
    peers.push_back({role, ByRole(role), false, access});
    peers.push_back({StrCat(role, " token"), ByToken(StrCat("secret of ", role)), false, access});
  }
  size_t methods = 0;
  for (const char* file : {"ingest", "query", "flows_query", "fleet", "admin"}) {
    const auto* descriptor = google::protobuf::DescriptorPool::generated_pool()->FindFileByName(
        StrCat("vakt/v1/", file, ".proto"));
    ASSERT_NE(descriptor, nullptr) << file;
    for (int i = 0; i < descriptor->service_count(); ++i) {
      const auto* service = descriptor->service(i);
      for (int j = 0; j < service->method_count(); ++j, ++methods) {
        const std::string name = StrCat(service->name(), "/", service->method(j)->name());
        const auto row = std::find_if(AllRpcs().begin(), AllRpcs().end(),
                                      [&](const RpcRow& rpc) { return rpc.method == name; });
        ASSERT_NE(row, AllRpcs().end()) << name << " has no row";
        for (const Peer& peer : peers) {
          const bool expected = row->needs == Access::kAgent
                                    ? peer.is_agent
                                    : peer.access >= static_cast<int>(row->needs);
          EXPECT_EQ(LetIn(Call(peer.channel, StrCat("/", kPackage, name))), expected)
              << name << " by " << peer.name;
        }
      }
    }
  }
  EXPECT_EQ(methods, AllRpcs().size()) << "a row has no method";
}

TEST_F(AccessTest, WithoutATokenFileAConnectionNeedsACertificate) {
  options_.token_file.clear();
  Start();
  EXPECT_EQ(Query(ByToken("")).error_code(), grpc::StatusCode::UNAVAILABLE);  // no handshake
  EXPECT_TRUE(Query(ByRole("viewer")).ok());
}

TEST_F(AccessTest, TokensComeAndGoWithTheirFileAndEndInTime) {
  WriteTokens(Line("siem", "viewer") + Line("late", "viewer", "2001-01-01T00:00:00Z"));
  Start();
  EXPECT_TRUE(Query(ByToken("secret of siem")).ok());
  const grpc::Status late = Query(ByToken("secret of late"));
  EXPECT_EQ(late.error_code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_THAT(late.error_message(), HasSubstr("expired"));
  WriteTokens(Line("other", "viewer"));
  absl::SleepFor(absl::Milliseconds(1100));  // the file is looked at once a second
  EXPECT_EQ(Query(ByToken("secret of siem")).error_code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_TRUE(Query(ByToken("secret of other")).ok());
  WriteTokens("nonsense\n");
  absl::SleepFor(absl::Milliseconds(1100));
  EXPECT_TRUE(Query(ByToken("secret of other")).ok());  // those read before stay
}

TEST_F(AccessTest, SaysWhatIsWrongWithTheTokenFile) {
  WriteTokens("# fine\n" + Line("siem", "root"));
  const auto collector = Collector::Start(options_);
  EXPECT_THAT(collector.status().ToString(), HasSubstr("tokens: line 2: \"root\" is no role"));
}

TEST_F(AccessTest, EveryReadIsInTheAuditLogWithWhoAndWhatAndHowMuch) {
  WriteTokens(Line("siem", "viewer"));
  Start();
  {
    AgentClient agent(ChannelAs(AgentUri("n1")));
    ASSERT_TRUE(agent.Hello(MakeHello("n1"), nullptr));
    ASSERT_TRUE(agent.Send({MakeAlertRecord({.seq = 1}), MakeAlertRecord({.seq = 2})}));
    v1::Position stored;
    ASSERT_TRUE(agent.ReadAck(&stored));
  }
  v1::Filter filter;
  filter.add_nodes("n1");
  ASSERT_EQ(QueryAll(ByRole("viewer"), filter).size(), 2u);
  ASSERT_TRUE(Query(ByToken("secret of siem")).ok());
  v1::SubscribeRequest subscribe;
  subscribe.set_from_beginning(true);
  {
    SubscriberClient subscriber(ByRole("analyst"), subscribe);
    v1::StoredRecord record;
    ASSERT_TRUE(subscriber.ReadRecord(&record));
  }
  grpc::ClientContext context;
  v1::ListAuditResponse denied;
  EXPECT_FALSE(v1::Admin::NewStub(ByRole("viewer"))->ListAudit(&context, {}, &denied).ok());

  const std::vector<v1::AuditEntry> entries = Audit();  // newest first
  ASSERT_EQ(entries.size(), 4u);
  EXPECT_EQ(entries[0].method(), "Admin/ListAudit");
  EXPECT_EQ(entries[0].outcome(), "PERMISSION_DENIED");
  EXPECT_EQ(entries[0].user(), "u-viewer");
  EXPECT_EQ(entries[1].method(), "Alerts/Subscribe");
  EXPECT_EQ(entries[1].role(), "analyst");
  EXPECT_THAT(entries[1].detail(), HasSubstr("from_beginning"));
  EXPECT_EQ(entries[2].user(), "siem");
  EXPECT_EQ(entries[2].via(), "token");
  EXPECT_EQ(entries[3].method(), "Alerts/Query");
  EXPECT_EQ(entries[3].records(), 2u);
  EXPECT_EQ(entries[3].via(), "certificate");
  EXPECT_THAT(entries[3].detail(), HasSubstr("n1"));
  EXPECT_THAT(entries[3].peer(), HasSubstr("127.0.0.1"));
  v1::ListAuditRequest of_siem;
  of_siem.set_user("siem");
  EXPECT_EQ(Audit(of_siem).size(), 1u);
  EXPECT_EQ(Audit()[0].method(), "Admin/ListAudit");  // the listing itself
}

TEST_F(AccessTest, TheAuditLogHasPages) {
  WriteTokens("");
  Start();
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(Query(ByRole("viewer")).ok());
  const auto stub = v1::Admin::NewStub(ByRole("admin"));
  v1::ListAuditRequest request;
  request.set_method("Alerts/Query");
  request.set_page_size(2);
  std::vector<int> sizes;
  do {
    grpc::ClientContext context;
    v1::ListAuditResponse response;
    ASSERT_TRUE(stub->ListAudit(&context, request, &response).ok());
    sizes.push_back(response.entries_size());
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  EXPECT_THAT(sizes, ::testing::ElementsAre(2, 2, 1));
}

}  // namespace
}  // namespace vakt
