// SPDX-License-Identifier: Apache-2.0
#include "collector/fleet/fleet_handler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

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
  ASSERT_TRUE(handler.ListAllNodes(&response).ok());
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
  ASSERT_TRUE(handler.ListAllNodes(&response).ok());
  ASSERT_EQ(response.nodes_size(), 1);
  EXPECT_EQ(watch->totals().nodes, 1u);
  EXPECT_EQ(Read().size(), 1u);  // its alerts stay
  // It comes back, and goes on where it stood.
  EXPECT_EQ(Register("n1").stored->seq(), 1u);
  response.Clear();
  ASSERT_TRUE(handler.ListAllNodes(&response).ok());
  EXPECT_EQ(response.nodes_size(), 2);
}

// The names of all nodes, and how many pages they took.
std::vector<std::string> Follow(const FleetHandler& handler, uint32_t page_size, int* pages) {
  std::vector<std::string> names;
  v1::ListNodesRequest request;
  request.set_page_size(page_size);
  *pages = 0;
  do {
    v1::ListNodesResponse page;
    EXPECT_TRUE(handler.ListNodes(request, &page).ok());
    EXPECT_LT(page.ByteSizeLong(), 4u << 20);
    for (const v1::Node& node : page.nodes()) names.push_back(node.node());
    request.set_page_token(page.next_page_token());
  } while (++*pages < 10'000 && !request.page_token().empty());
  return names;
}

TEST_F(FleetHandlerTest, MoreNodesThanAPageComeInPages) {
  Open();
  std::vector<std::string> names;
  for (int i = 0; i < 1050; ++i) {
    names.push_back(StrCat("n", i));
    Register(names.back());
  }
  std::sort(names.begin(), names.end());
  const auto watch = FleetWatch::Start(store_.get(), {}).value();
  const FleetHandler handler(store_.get(), watch.get(), IsN2, IsN2);
  int pages = 0;
  EXPECT_EQ(Follow(handler, 0, &pages), names);
  EXPECT_EQ(pages, 2);
  EXPECT_EQ(Follow(handler, 100'000, &pages), names);  // more than a page may hold
  EXPECT_EQ(pages, 2);
  EXPECT_EQ(Follow(handler, 350, &pages), names);
  EXPECT_EQ(pages, 3);
  EXPECT_EQ(Follow(handler, 349, &pages), names);
  EXPECT_EQ(pages, 4);
}

TEST_F(FleetHandlerTest, APageEndsWhereItsMessageWouldBeTooLarge) {
  Open();
  std::vector<std::string> names;
  for (int i = 10; i < 40; ++i) {
    names.push_back(StrCat("n", i));
    v1::Hello hello;
    hello.set_node(names.back());
    hello.set_boot_id(kSampleBootId);
    hello.set_kernel_release(std::string(200 << 10, 'k'));
    Register(names.back(), hello);
  }
  const auto watch = FleetWatch::Start(store_.get(), {}).value();
  const FleetHandler handler(store_.get(), watch.get(), IsN2, IsN2);
  int pages = 0;
  EXPECT_EQ(Follow(handler, 0, &pages), names);
  EXPECT_EQ(pages, 3);
}

TEST_F(FleetHandlerTest, ATokenThatIsNoneIsRefused) {
  Open();
  const auto watch = FleetWatch::Start(store_.get(), {}).value();
  const FleetHandler handler(store_.get(), watch.get(), IsN2, IsN2);
  v1::ListNodesRequest request;
  request.set_page_token("none");
  v1::ListNodesResponse page;
  EXPECT_EQ(handler.ListNodes(request, &page).code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace vakt
