// SPDX-License-Identifier: Apache-2.0
#include "collector/fleet/fleet_handler.h"

#include <gtest/gtest.h>

#include "tests/unit/collector/store/store_fixture.h"

namespace vakt {
namespace {

bool IsN2(std::string_view cluster, std::string_view node) {
  return cluster == "c1" && node == "n2";
}

class FleetHandlerTest : public StoreFixture {};

TEST_F(FleetHandlerTest, SaysWhichNodesAreConnected) {
  Open();
  Register("n1");
  Register("n2");
  const auto watch = FleetWatch::Start(store_.get(), {}).value();
  const FleetHandler handler(store_.get(), watch.get(), IsN2, IsN2);
  v1::ListNodesResponse response;
  ASSERT_TRUE(handler.ListNodes(&response).ok());
  ASSERT_EQ(response.nodes_size(), 2);
  EXPECT_EQ(response.nodes(0).node(), "n1");
  EXPECT_FALSE(response.nodes(0).connected());
  EXPECT_EQ(response.nodes(1).node(), "n2");
  EXPECT_TRUE(response.nodes(1).connected());
  EXPECT_TRUE(response.nodes(1).conditions().empty());
}

TEST_F(FleetHandlerTest, ForgetsANodeThatIsNotConnected) {
  Open();
  const Registration node = Register("n1");
  ASSERT_TRUE(Append(node, {MakeAlertRecord({.seq = 1})}).ok());
  Register("n2");
  const auto watch = FleetWatch::Start(store_.get(), {}).value();
  FleetHandler handler(store_.get(), watch.get(), IsN2, IsN2);
  v1::ForgetNodeRequest request;
  request.set_cluster("c1");
  request.set_node("n2");
  EXPECT_EQ(handler.ForgetNode(request).code(), absl::StatusCode::kFailedPrecondition);
  request.set_node("n3");
  EXPECT_EQ(handler.ForgetNode(request).code(), absl::StatusCode::kNotFound);
  request.set_node("n1");
  ASSERT_TRUE(handler.ForgetNode(request).ok());
  EXPECT_EQ(handler.ForgetNode(request).code(), absl::StatusCode::kNotFound);
  v1::ListNodesResponse response;
  ASSERT_TRUE(handler.ListNodes(&response).ok());
  ASSERT_EQ(response.nodes_size(), 1);
  EXPECT_EQ(watch->totals().nodes, 1u);
  EXPECT_EQ(Read().size(), 1u);  // its alerts stay
  // It comes back, and goes on where it stood.
  EXPECT_EQ(Register("n1").stored->seq(), 1u);
  response.Clear();
  ASSERT_TRUE(handler.ListNodes(&response).ok());
  EXPECT_EQ(response.nodes_size(), 2);
}

}  // namespace
}  // namespace vakt
