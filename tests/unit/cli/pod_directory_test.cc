// SPDX-License-Identifier: Apache-2.0
#include "cli/pod_directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/cli/flow_samples.h"

namespace vakt {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

constexpr auto kOut = v1::Flow::DIRECTION_OUT;
constexpr auto kExternal = v1::Flow::CLASS_EXTERNAL;

absl::Time At(int64_t second) { return absl::FromUnixSeconds(second); }

v1::StoredRecord Seen(const SamplePod& pod, int64_t at) {
  return MakeFlow(pod, kOut, "198.51.100.7", 443, kExternal, at);
}

TEST(PodDirectory, KnowsWhoHadAnAddressWhen) {
  PodDirectory pods;
  pods.Learn(Seen({.name = "web-7c9-abcde", .address = "10.1.0.1"}, 10'000));
  pods.Learn(Seen({.name = "db-0", .address = "10.1.0.1", .kind = "StatefulSet", .workload = "db"},
                  20'000));
  pods.Finish();
  const std::string address = AddressBytes("10.1.0.1");
  const auto name_at = [&](int64_t begin, int64_t end) {
    const Workload* workload = pods.At("c", address, At(begin), At(end));
    return workload == nullptr ? "" : workload->key.name;
  };
  EXPECT_EQ(name_at(10'005, 10'006), "web");
  EXPECT_EQ(name_at(20'005, 20'006), "db");
  EXPECT_EQ(name_at(9'000, 9'001), "web");    // shortly before it was first seen
  EXPECT_EQ(name_at(12'000, 12'001), "web");  // shortly after
  EXPECT_EQ(name_at(10'000, 20'010), "");     // both had it
  EXPECT_EQ(name_at(15'000, 15'001), "");     // long after the one, long before the other
  EXPECT_EQ(name_at(1'000, 1'001), "");
  EXPECT_EQ(pods.At("other", address, At(10'005), At(10'006)), nullptr);
  EXPECT_EQ(pods.At("c", AddressBytes("10.1.0.2"), At(10'005), At(10'006)), nullptr);
}

TEST(PodDirectory, SelectsAWorkloadByWhatItsPodsHaveInCommon) {
  PodDirectory pods;
  pods.Learn(Seen(
      {.name = "web-1", .labels = {{"app", "web"}, {"version", "1"}, {"pod-template-hash", "a"}}},
      1'000));
  pods.Learn(Seen(
      {.name = "web-2", .labels = {{"app", "web"}, {"version", "2"}, {"pod-template-hash", "b"}}},
      2'000));
  pods.Learn(
      Seen({.name = "api-1", .workload = "api", .labels = {{"app", "web"}, {"x", "y"}}}, 2'000));
  pods.Learn(Seen({.name = "alone", .kind = "", .workload = "", .labels = {}}, 2'000));
  pods.Finish();
  const Workload* web = pods.Named("c", "shop", "web-2");
  ASSERT_NE(web, nullptr);
  EXPECT_THAT(web->labels, UnorderedElementsAre(Pair("app", "web")));
  EXPECT_THAT(web->pods, ElementsAre("web-1", "web-2"));
  const auto others = pods.AlsoSelectedBy(*web);
  ASSERT_EQ(others.size(), 1u);
  EXPECT_EQ(others[0]->key.name, "api");
  const Workload* alone = pods.Named("c", "shop", "alone");
  ASSERT_NE(alone, nullptr);
  EXPECT_EQ(alone->key.kind, "Pod");
  EXPECT_THAT(alone->labels, IsEmpty());
}

TEST(PodDirectory, AnAddressOfANodeIsNoPods) {
  PodDirectory pods;
  pods.Learn(Seen({.name = "proxy", .address = "192.168.0.1", .host_network = true}, 1'000));
  pods.Finish();
  EXPECT_EQ(pods.At("c", AddressBytes("192.168.0.1"), At(1'000), At(1'001)), nullptr);
  EXPECT_TRUE(pods.IsNode("c", AddressBytes("192.168.0.1")));
  EXPECT_FALSE(pods.IsNode("c", AddressBytes("192.168.0.2")));
}

TEST(PodDirectory, DoesNotTakeNamesThatKubernetesWouldRefuse) {
  PodDirectory pods;
  pods.Learn(Seen({.name_space = "a: b\nkind: Secret"}, 1'000));
  pods.Learn(
      Seen({.name = "x", .labels = {{"app", "we\nb"}, {"a b", "c"}, {"ok/app", "web"}}}, 1'000));
  pods.Finish();
  ASSERT_EQ(pods.workloads().size(), 1u);
  EXPECT_THAT(pods.workloads().begin()->second.labels, ElementsAre(Pair("ok/app", "web")));
  EXPECT_TRUE(IsLabel("app.kubernetes.io/name", "a.b_c-d"));
  EXPECT_TRUE(IsLabel("a", ""));
  for (const char* bad : {"", "-a", "a-", "a/b/c", "/a", "A/b", "a b"}) {
    EXPECT_FALSE(IsLabel(bad, "x")) << bad;
  }
  EXPECT_FALSE(IsLabel("a", std::string(64, 'x')));
  EXPECT_FALSE(IsNamespace("a.b"));
}

}  // namespace
}  // namespace vakt
