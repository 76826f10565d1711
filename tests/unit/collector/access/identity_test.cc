// SPDX-License-Identifier: Apache-2.0
#include "collector/access/identity.h"

#include <gtest/gtest.h>

#include <string>

namespace vakt {
namespace {

TEST(IdentityTest, ReadsAnAgent) {
  const auto identity = ParseIdentity("spiffe://example.org/cluster/prod-1/node/n1.local/agent");
  ASSERT_TRUE(identity.ok()) << identity.status();
  const auto& agent = std::get<AgentIdentity>(*identity);
  EXPECT_EQ(agent.trust_domain, "example.org");
  EXPECT_EQ(agent.cluster, "prod-1");
  EXPECT_EQ(agent.node, "n1.local");
}

TEST(IdentityTest, ReadsUsersOfEachRole) {
  const struct {
    const char* name;
    Role role;
  } roles[] = {{"viewer", Role::kViewer}, {"analyst", Role::kAnalyst}, {"admin", Role::kAdmin}};
  for (const auto& [name, role] : roles) {
    const auto identity = ParseIdentity(std::string("spiffe://td/user/alice/role/") + name);
    ASSERT_TRUE(identity.ok()) << identity.status();
    EXPECT_EQ(std::get<UserIdentity>(*identity).name, "alice");
    EXPECT_EQ(std::get<UserIdentity>(*identity).role, role);
  }
}

TEST(IdentityTest, RefusesEverythingElse) {
  const std::string refused[] = {
      "",
      "spiffe://",
      "spiffe://td",
      "spiffe://td/",
      "https://td/cluster/c/node/n/agent",
      "SPIFFE://td/cluster/c/node/n/agent",
      "spiffe://td/cluster/c/node/n",
      "spiffe://td/cluster/c/node/n/agent/",
      "spiffe://td/cluster/c/node/n/agent/more",
      "spiffe://td/cluster/c/node//agent",
      "spiffe://td/cluster//node/n/agent",
      "spiffe:///cluster/c/node/n/agent",
      "spiffe://td/cluster/c/node/../agent",
      "spiffe://td/cluster/c/node/./agent",
      "spiffe://td/cluster/c/node/a%2Fb/agent",
      "spiffe://td/cluster/c/node/a b/agent",
      "spiffe://td/cluster/c/node/n/agent?x",
      "spiffe://td/cluster/c/node/n/agent#x",
      "spiffe://td/cluster/c/node/n\xc3\xa4/agent",
      std::string("spiffe://td/cluster/c/node/n\0/agent", 35),
      "spiffe://td/cluster/c/node/n\n/agent",
      "spiffe://user@td/cluster/c/node/n/agent",
      "spiffe://td:80/cluster/c/node/n/agent",
      "spiffe://td/user/alice/role/root",
      "spiffe://td/user/alice/role/",
      "spiffe://td/user//role/admin",
      "spiffe://td/user/alice",
      "spiffe://td/collector/main",
      "spiffe://td/cluster/c/node/" + std::string(254, 'n') + "/agent",
      "spiffe://td/" + std::string(4096, 'x'),
  };
  for (const std::string& uri : refused) {
    const auto identity = ParseIdentity(uri);
    EXPECT_EQ(identity.status().code(), absl::StatusCode::kPermissionDenied) << uri;
  }
}

}  // namespace
}  // namespace vakt
