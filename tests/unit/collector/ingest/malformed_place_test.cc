// SPDX-License-Identifier: Apache-2.0
#include "collector/ingest/malformed_place.h"

#include <gtest/gtest.h>

#include <limits>
#include <optional>

namespace vakt {
namespace {

std::optional<StreamPlace> At(int64_t epoch, int64_t seq) { return StreamPlace{"b", epoch, seq}; }

struct Case {
  const char* what;
  int64_t count;
  std::optional<StreamPlace> before, behind;
  int64_t epoch, first, last;  // 0: no hole
};

TEST(FindHoleTest, IsWhatLiesBetween) {
  const Case kCases[] = {
      {"between neighbours", 1, At(9, 4), At(9, 6), 9, 5, 5},
      {"more room than records: a tombstone was among them", 2, At(9, 4), At(9, 10), 9, 5, 9},
      {"fewer", 5, At(9, 4), At(9, 6), 9, 5, 5},
      {"no room", 1, At(9, 4), At(9, 5), 0, 0, 0},
      {"at the end of what is known", 3, At(9, 4), {}, 9, 5, 7},
      {"at the beginning of what is known", 2, {}, At(9, 5), 9, 3, 4},
      {"at the very beginning", 4, {}, At(9, 3), 9, 1, 2},
      {"no room at the beginning", 1, {}, At(9, 1), 0, 0, 0},
      {"the beginning of the next run", 1, At(8, 4), At(9, 3), 9, 1, 2},
      {"the end of the run before", 2, At(8, 4), At(9, 1), 8, 5, 6},
      {"sent again", 2, At(9, 50), At(9, 20), 9, 18, 19},
      {"of an earlier run, sent again", 1, At(9, 50), At(8, 20), 8, 19, 19},
      {"nothing is known", 1, {}, {}, 0, 0, 0},
      {"no more numbers", 2, At(9, std::numeric_limits<int64_t>::max() - 1), {}, 0, 0, 0},
  };
  for (const Case& c : kCases) {
    const auto hole = FindHole(c.count, c.before, c.behind);
    ASSERT_EQ(hole.has_value(), c.last != 0) << c.what;
    if (!hole.has_value()) continue;
    EXPECT_EQ(hole->epoch, c.epoch) << c.what;
    EXPECT_EQ(hole->first, c.first) << c.what;
    EXPECT_EQ(hole->last, c.last) << c.what;
  }
}

TEST(MakeMalformedGapTest, IsARecordLikeAnyOther) {
  const RecordRow row =
      MakeMalformedGap({"boot", 9, 5, 7}, {{"x", "why"}, {"y", "why"}}, 1'000'000'000);
  const auto read = ToRecordRow(row.bytes);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->boot_id, "boot");
  EXPECT_EQ(read->epoch, row.epoch);
  EXPECT_EQ(read->seq, 7);
  EXPECT_EQ(read->kind, RecordKind::kGap);
  EXPECT_EQ(read->event_ns, row.event_ns);
  EXPECT_EQ(row.malformed.size(), 2u);
}

}  // namespace
}  // namespace vakt
