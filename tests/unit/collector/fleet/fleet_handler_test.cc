// SPDX-License-Identifier: Apache-2.0
#include "collector/fleet/fleet_handler.h"

#include <gtest/gtest.h>

#include "tests/unit/collector/store/store_fixture.h"

namespace vakt {
namespace {

class FleetHandlerTest : public StoreFixture {};

TEST_F(FleetHandlerTest, SaysWhichNodesAreConnected) {
  Open();
  Register("n1");
  Register("n2");
  const auto watch = FleetWatch::Start(store_.get(), {}).value();
  const FleetHandler handler(store_.get(), watch.get(),
                             [](std::string_view cluster, std::string_view node) {
                               return cluster == "c1" && node == "n2";
                             });
  v1::ListNodesResponse response;
  ASSERT_TRUE(handler.ListNodes(&response).ok());
  ASSERT_EQ(response.nodes_size(), 2);
  EXPECT_EQ(response.nodes(0).node(), "n1");
  EXPECT_FALSE(response.nodes(0).connected());
  EXPECT_EQ(response.nodes(1).node(), "n2");
  EXPECT_TRUE(response.nodes(1).connected());
  EXPECT_TRUE(response.nodes(1).conditions().empty());
}

}  // namespace
}  // namespace vakt
