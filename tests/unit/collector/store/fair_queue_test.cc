// SPDX-License-Identifier: Apache-2.0
#include "collector/store/fair_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace vakt {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct Item {
  uint64_t flow = 0;
  size_t bytes = 0;
  std::string name;
};

constexpr GroupLimits kLimits = {
    .turn_bytes = 10, .min_bytes = 20, .max_bytes = 100, .max_items = 50};

std::vector<std::string> NamesOf(const std::vector<Item>& group) {
  std::vector<std::string> names;
  for (const Item& item : group) names.push_back(item.name);
  return names;
}

void PushMany(FairQueue<Item>* queue, uint64_t flow, int count, size_t bytes) {
  for (int i = 0; i < count; ++i) {
    queue->Push({flow, bytes, std::string(1, static_cast<char>('a' + flow)) + std::to_string(i)});
  }
}

TEST(FairQueueTest, OneWhoSendsLittleIsInTheNextGroup) {
  FairQueue<Item> queue;
  PushMany(&queue, 1, 100, 10);
  EXPECT_THAT(NamesOf(queue.Take(kLimits)), ElementsAre("b0", "b1"));
  PushMany(&queue, 2, 1, 1);
  EXPECT_THAT(NamesOf(queue.Take(kLimits)), ElementsAre("b2", "c0", "b3"));
  EXPECT_THAT(NamesOf(queue.Take(kLimits)), ElementsAre("b4", "b5"));
}

TEST(FairQueueTest, TheMoreWaitTheLargerIsAGroup) {
  FairQueue<Item> queue;
  for (uint64_t flow = 0; flow < 5; ++flow) PushMany(&queue, flow, 3, 10);
  EXPECT_THAT(NamesOf(queue.Take(kLimits)), ElementsAre("a0", "b0", "c0", "d0", "e0"));
  for (uint64_t flow = 5; flow < 20; ++flow) PushMany(&queue, flow, 1, 10);
  EXPECT_EQ(queue.Take(kLimits).size(), 10u);  // max_bytes
}

TEST(FairQueueTest, ThoseOfAFlowStayInOrderAndNoneIsLeftBehind) {
  FairQueue<Item> queue;
  for (uint64_t flow = 0; flow < 7; ++flow) PushMany(&queue, flow, 30, flow * 3);
  std::vector<int> next(7, 0);
  int taken = 0;
  while (!queue.empty()) {
    const std::vector<Item> group = queue.Take(kLimits);
    ASSERT_FALSE(group.empty());
    for (const Item& item : group) {
      EXPECT_EQ(item.name.substr(1), std::to_string(next[item.flow]++));
      ++taken;
    }
  }
  EXPECT_EQ(taken, 7 * 30);
}

TEST(FairQueueTest, AnItemMayBeLargerThanAllBounds) {
  FairQueue<Item> queue;
  PushMany(&queue, 1, 2, 1000);
  EXPECT_THAT(NamesOf(queue.Take(kLimits)), ElementsAre("b0"));
  EXPECT_THAT(NamesOf(queue.Take(kLimits)), ElementsAre("b1"));
  EXPECT_THAT(queue.Take(kLimits), IsEmpty());
}

TEST(FairQueueTest, ItemsWithoutBytesAreBoundedByNumber) {
  FairQueue<Item> queue;
  PushMany(&queue, 1, 120, 0);
  EXPECT_EQ(queue.Take(kLimits).size(), 50u);
  PushMany(&queue, 2, 1, 0);
  EXPECT_EQ(queue.Take(kLimits).size(), 50u);
  EXPECT_EQ(queue.Take(kLimits).size(), 21u);
}

}  // namespace
}  // namespace vakt
