// SPDX-License-Identifier: Apache-2.0
#include "agent/spool/segment_index.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace vakt {
namespace {

TEST(SegmentIndexTest, EmptyHoldsNothing) {
  const SegmentIndex index;
  EXPECT_TRUE(index.empty());
  EXPECT_EQ(index.CountAfter({}), 0u);
  EXPECT_EQ(index.FirstAfter({}), Position{});
  EXPECT_EQ(index.first(), Position{});
}

TEST(SegmentIndexTest, PositionsFarOutsideAreHarmless) {
  SegmentIndex index;
  index.Add({5, 10}, 0);
  EXPECT_EQ(index.CountAfter({UINT64_MAX, UINT64_MAX}), 0u);
  EXPECT_EQ(index.CountAfter({5, UINT64_MAX}), 0u);
  EXPECT_EQ(index.CountAfter({5, 0}), 1u);
  EXPECT_EQ(index.CountAfter({4, UINT64_MAX}), 1u);
}

// Against a plain list of positions, with holes and changes of epoch at random places.
TEST(SegmentIndexTest, AgreesWithAList) {
  std::mt19937 random(3);
  for (int round = 0; round < 200; ++round) {
    SegmentIndex index;
    std::vector<Position> list;
    std::vector<uint64_t> offsets;
    Position position{1, 1};
    uint64_t offset = 100;
    for (unsigned count = random() % 60; count > 0; --count) {
      if (random() % 5 == 0) position.seq += random() % 4;
      if (random() % 15 == 0) position = {position.epoch + 1, 1};
      index.Add(position, offset);
      list.push_back(position);
      offsets.push_back(offset);
      offset += random() % 30'000;
      ++position.seq;
    }
    if (random() % 2 == 0 && !list.empty()) {
      const size_t cut = random() % list.size();
      index.RemoveFrom(list[cut]);
      list.resize(cut);
    }
    ASSERT_EQ(index.records(), list.size());
    ASSERT_EQ(index.last(), list.empty() ? Position{} : list.back());
    for (uint64_t epoch = 0; epoch <= position.epoch + 1; ++epoch) {
      for (uint64_t seq = 0; seq < 70; ++seq) {
        const Position after{epoch, seq};
        size_t i = 0;
        while (i < list.size() && list[i] <= after) ++i;
        ASSERT_EQ(index.CountAfter(after), list.size() - i);
        ASSERT_EQ(index.FirstAfter(after), i < list.size() ? list[i] : Position{});
        if (i == list.size()) continue;
        ASSERT_LE(index.OffsetBefore(after), offsets[i]);
      }
    }
  }
}

}  // namespace
}  // namespace vakt
