// SPDX-License-Identifier: Apache-2.0
#include "cli/policy_draft.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "cli/policy_text.h"
#include "tests/unit/cli/flow_samples.h"

namespace vakt {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr auto kOut = v1::Flow::DIRECTION_OUT;
constexpr auto kIn = v1::Flow::DIRECTION_IN;
constexpr auto kCluster = v1::Flow::CLASS_CLUSTER;
constexpr auto kPrivate = v1::Flow::CLASS_PRIVATE;
constexpr auto kExternal = v1::Flow::CLASS_EXTERNAL;

const SamplePod kWeb;
const SamplePod kDb = {.name_space = "data",
                       .name = "db-0",
                       .address = "10.1.1.1",
                       .kind = "StatefulSet",
                       .workload = "db",
                       .labels = {{"app", "db"}}};

std::vector<PolicyDraft> DraftsOf(const std::vector<v1::StoredRecord>& records,
                                  PolicyOptions options = {}) {
  PodDirectory pods;
  for (const v1::StoredRecord& record : records) pods.Learn(record);
  pods.Finish();
  PolicyDrafts drafts(&pods, std::move(options));
  for (const v1::StoredRecord& record : records) drafts.Add(record);
  return drafts.Take();
}

PolicyDraft DraftOf(const std::vector<v1::StoredRecord>& records, const std::string& workload,
                    PolicyOptions options = {}) {
  options.workloads = {workload};
  std::vector<PolicyDraft> drafts = DraftsOf(records, std::move(options));
  EXPECT_EQ(drafts.size(), 1u);
  return drafts.empty() ? PolicyDraft{} : drafts[0];
}

// "data{app=db} TCP/5432; 10.0.0.0/24 UDP/53": each peer with its ports.
std::string Text(const std::vector<PolicyRule>& rules) {
  std::string text;
  for (const PolicyRule& rule : rules) {
    for (const auto& [peer, remarks] : rule.peers) {
      text += text.empty() ? "" : "; ";
      text += peer.cidr.empty() ? peer.name_space + "{" : peer.cidr;
      for (const auto& [key, value] : peer.labels) text += key + "=" + value;
      text += peer.cidr.empty() ? "}" : "";
      for (const PolicyPort& port : rule.ports) {
        text += " " + port.protocol + "/" + std::to_string(port.port);
      }
    }
  }
  return text;
}

TEST(PolicyDrafts, APeerIsTakenFromItsOwnRecords) {
  const std::vector<v1::StoredRecord> records = {MakeFlow(kWeb, kOut, "10.1.1.1", 5432, kPrivate),
                                                 MakeFlow(kDb, kIn, "10.1.0.1", 5432, kPrivate)};
  const PolicyDraft web = DraftOf(records, "web");
  EXPECT_EQ(web.name, "web-deployment");
  EXPECT_EQ(Text(web.egress), "data{app=db} TCP/5432");
  EXPECT_EQ(Text(web.ingress), "");
  EXPECT_THAT(web.notes, ElementsAre(HasSubstr("nothing was seen to come in")));
  EXPECT_EQ(web.records, 1u);
  EXPECT_EQ(web.peer_records, 1u);
  EXPECT_EQ(Text(DraftOf(records, "db").ingress), "shop{app=web} TCP/5432");
}

TEST(PolicyDrafts, APeerOnTheSameNodeIsKnownByItsName) {
  v1::StoredRecord out = MakeFlow(kWeb, kOut, "10.1.1.1", 5432, v1::Flow::CLASS_SAME_NODE);
  out.mutable_record()->mutable_flow()->set_remote_namespace("data");
  out.mutable_record()->mutable_flow()->set_remote_pod("db-0");
  // Long after: the pod is told by name.
  const v1::StoredRecord of_db = MakeFlow(kDb, kOut, "198.51.100.7", 443, kExternal, 500'000);
  EXPECT_EQ(Text(DraftOf({out, of_db}, "web").egress), "data{app=db} TCP/5432");
  const PolicyDraft unknown = DraftOf({out}, "web");
  EXPECT_EQ(Text(unknown.egress), "10.1.1.1/32 TCP/5432");
  EXPECT_THAT(unknown.egress[0].peers[0].second, Contains(HasSubstr("pod data/db-0")));
}

TEST(PolicyDrafts, ThePodsBehindAServiceAreTakenFromTheirRecordsOfTheCaller) {
  const PolicyDraft web = DraftOf({MakeFlow(kWeb, kOut, "10.96.0.7", 80, kCluster),
                                   MakeFlow(kDb, kIn, "10.1.0.1", 8080, kCluster)},
                                  "web");
  EXPECT_EQ(Text(web.egress), "10.96.0.7/32 TCP/80; data{app=db} TCP/8080");
  EXPECT_THAT(web.notes, Contains(HasSubstr("10.96.0.7 80/tcp")));
}

TEST(PolicyDrafts, AnAddressIsTheOneWhoHadItThen) {
  const SamplePod later = {
      .name = "api-1", .address = "10.1.1.1", .workload = "api", .labels = {{"app", "api"}}};
  std::vector<v1::StoredRecord> records = {MakeFlow(kDb, kIn, "10.9.9.9", 5432, kPrivate, 1'000),
                                           MakeFlow(later, kIn, "10.9.9.9", 80, kPrivate, 100'000),
                                           MakeFlow(kWeb, kOut, "10.1.1.1", 5432, kPrivate, 1'005)};
  EXPECT_EQ(Text(DraftOf(records, "web").egress), "data{app=db} TCP/5432");
  records[2] = MakeFlow(kWeb, kOut, "10.1.1.1", 80, kPrivate, 100'005);
  EXPECT_EQ(Text(DraftOf(records, "web").egress), "shop{app=api} TCP/80");
  records[2] = MakeFlow(kWeb, kOut, "10.1.1.1", 80, kPrivate, 50'000);  // nobody's that is known
  EXPECT_EQ(Text(DraftOf(records, "web").egress), "10.1.1.1/32 TCP/80");
}

TEST(PolicyDrafts, ExternalAddressesAreAsWideAsAskedFor) {
  v1::StoredRecord named = MakeFlow(kWeb, kOut, "198.51.100.7", 443, kExternal);
  named.mutable_record()->mutable_flow()->add_names()->set_name("api.example.com");
  const std::vector<v1::StoredRecord> records = {
      named, MakeFlow(kWeb, kOut, "198.51.100.8", 443, kExternal),
      MakeFlow(kWeb, kOut, "2001:db8:1:2::3", 443, kExternal),
      MakeFlow(kWeb, kOut, "10.7.0.1", 443, kPrivate)};
  const PolicyDraft exact = DraftOf(records, "web");
  EXPECT_EQ(Text(exact.egress),
            "10.7.0.1/32 TCP/443; 198.51.100.7/32 TCP/443; 198.51.100.8/32 TCP/443; "
            "2001:db8:1:2::3/128 TCP/443");
  EXPECT_THAT(exact.egress[0].peers[1].second, ElementsAre("api.example.com"));
  EXPECT_EQ(Text(DraftOf(records, "web", {.external = ExternalAs::kBlock}).egress),
            "10.7.0.1/32 TCP/443; 198.51.100.0/24 TCP/443; 2001:db8:1::/48 TCP/443");
  const PolicyDraft any = DraftOf(records, "web", {.external = ExternalAs::kAny});
  EXPECT_EQ(Text(any.egress), "0.0.0.0/0 TCP/443; 10.7.0.1/32 TCP/443; ::/0 TCP/443");
  EXPECT_THAT(any.egress[0].peers[0].first.except, Contains("10.0.0.0/8"));
}

TEST(PolicyDrafts, TheNameServiceIsAllowed) {
  const PolicyDraft web =
      DraftOf({MakeFlow(kWeb, kOut, "10.96.0.10", 53, kCluster, 1'000, IPPROTO_UDP)}, "web");
  EXPECT_EQ(Text(web.egress), "kube-system{k8s-app=kube-dns} TCP/53 UDP/53; 10.96.0.10/32 UDP/53");
  const PolicyDraft external =
      DraftOf({MakeFlow(kWeb, kOut, "198.51.100.53", 53, kExternal, 1'000, IPPROTO_UDP)}, "web");
  EXPECT_EQ(Text(external.egress), "198.51.100.53/32 UDP/53");
}

TEST(PolicyDrafts, SaysWhatItDoesNotExpress) {
  v1::StoredRecord folded = MakeFlow(kWeb, kOut, "198.51.100.7", 443, kExternal);
  folded.mutable_record()->mutable_flow()->set_folded_flows(7);
  folded.mutable_record()->mutable_flow()->clear_remote();
  v1::StoredRecord vain = MakeFlow(kWeb, kOut, "198.51.100.9", 81, kExternal);
  vain.mutable_record()->mutable_flow()->set_established(0);
  vain.mutable_record()->mutable_flow()->set_bytes_out(0);
  const PolicyDraft web = DraftOf(
      {folded, vain, MakeFlow(kWeb, kIn, "192.168.0.1", 8080, v1::Flow::CLASS_SAME_NODE),
       MakeFlow(kWeb, kOut, "224.0.0.1", 5353, v1::Flow::CLASS_MULTICAST, 1'000, IPPROTO_UDP),
       MakeFlow(kWeb, kOut, "198.51.100.7", 1, kExternal, 1'000, IPPROTO_ICMP),
       MakeFlow(kWeb, kOut, "127.0.0.1", 1, v1::Flow::CLASS_SAME_POD)},
      "web");
  EXPECT_EQ(Text(web.egress) + Text(web.ingress), "");
  EXPECT_EQ(web.records, 5u);  // what stays in the pod is nobody's business
  for (const char* what :
       {"1 stand for flows that found no room", "1 are of connections that never",
        "1 came from the pod's own node", "1 are of multicast", "1 are neither of TCP nor of UDP",
        "come in: all of it is denied", "go out: all of it is denied"}) {
    EXPECT_THAT(web.notes, Contains(HasSubstr(what)));
  }
}

TEST(PolicyDrafts, WhomNoSelectorCanNameIsAnAddressOrHasNoPolicy) {
  const SamplePod proxy = {
      .name = "proxy", .address = "192.168.0.2", .workload = "proxy", .host_network = true};
  const SamplePod bare = {.name = "bare", .address = "10.1.0.9", .workload = "bare", .labels = {}};
  const std::vector<v1::StoredRecord> records = {MakeFlow(proxy, kOut, "10.1.0.1", 80, kCluster),
                                                 MakeFlow(bare, kOut, "10.1.0.1", 80, kCluster),
                                                 MakeFlow(kWeb, kIn, "192.168.0.2", 80, kCluster)};
  const PolicyDraft web = DraftOf(records, "web");
  EXPECT_EQ(Text(web.ingress), "10.1.0.9/32 TCP/80; 192.168.0.2/32 TCP/80");
  EXPECT_THAT(web.ingress[0].peers[1].second, Contains("a node"));
  EXPECT_FALSE(DraftOf(records, "proxy").has_policy);
  EXPECT_FALSE(DraftOf(records, "bare").has_policy);
}

TEST(PolicyDrafts, TheOrderOfTheRecordsDoesNotMatter) {
  std::vector<v1::StoredRecord> records;
  for (int i = 0; i < 40; ++i) {
    const std::string last = std::to_string(i % 20 + 1);
    records.push_back(MakeFlow(kWeb, kOut, "198.51.100." + last, 443, kExternal, 1'000 + i));
    records.push_back(MakeFlow(kWeb, kOut, "10.1.1.1", 5432, kPrivate, 1'000 + i));
    records.push_back(MakeFlow(kDb, kIn, "10.1.0." + last, 5432, kPrivate, 1'000 + i));
    records.push_back(MakeFlow(kDb, kOut, "10.96.0." + last, 80, kCluster, 1'000 + i));
  }
  const PolicyOrigin origin = {.since = absl::UnixEpoch(), .until = absl::UnixEpoch()};
  const std::string yaml = PoliciesYaml(origin, DraftsOf(records));
  const std::string json = PoliciesJson(origin, DraftsOf(records));
  EXPECT_THAT(yaml, HasSubstr("kind: NetworkPolicy"));
  std::mt19937 random(3);
  for (int run = 0; run < 20; ++run) {
    std::shuffle(records.begin(), records.end(), random);
    ASSERT_EQ(PoliciesYaml(origin, DraftsOf(records)), yaml);
    ASSERT_EQ(PoliciesJson(origin, DraftsOf(records)), json);
  }
}

TEST(PolicyText, NothingThatANodeSendsEndsAComment) {
  v1::StoredRecord record = MakeFlow(kWeb, kOut, "198.51.100.7", 443, kExternal);
  record.mutable_record()->mutable_flow()->add_names()->set_name("a\nkind: Secret\xe2\x80\xa8x: y");
  record.mutable_record()->mutable_flow()->add_names()->set_name("b\xc2\x85z: y\r\n");
  SamplePod odd = kWeb;
  odd.workload = "we\nb: \xe2\x80\xa9";
  record.mutable_record()->mutable_flow()->mutable_container()->mutable_pod()->set_workload_name(
      odd.workload);
  const std::string yaml = PoliciesYaml({}, DraftsOf({record}));
  EXPECT_THAT(yaml, Not(HasSubstr("\nkind: Secret")));
  EXPECT_TRUE(std::all_of(yaml.begin(), yaml.end(), [](char c) {
    return c == '\n' || (c >= ' ' && c < 127);
  })) << yaml;
}

TEST(PolicyDrafts, OnlyTheWorkloadsThatWereAskedForAreShown) {
  const std::vector<v1::StoredRecord> records = {MakeFlow(kWeb, kOut, "10.1.1.1", 5432, kPrivate),
                                                 MakeFlow(kDb, kIn, "10.1.0.1", 5432, kPrivate)};
  EXPECT_EQ(DraftsOf(records).size(), 2u);
  const auto data = DraftsOf(records, {.namespaces = {"data"}});
  ASSERT_EQ(data.size(), 1u);
  EXPECT_EQ(data[0].workload.key.name, "db");
  EXPECT_THAT(DraftsOf(records, {.namespaces = {"data"}, .workloads = {"web"}}), IsEmpty());
}

}  // namespace
}  // namespace vakt
