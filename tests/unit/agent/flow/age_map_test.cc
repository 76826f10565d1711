// SPDX-License-Identifier: Apache-2.0
#include "agent/flow/age_map.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace vakt {
namespace {

TEST(AgeMap, KeepsWhatWasMade) {
  AgeMap<std::string, int> map(3);
  EXPECT_EQ(map.Find("a"), nullptr);
  EXPECT_EQ(map.Use("a"), nullptr);
  EXPECT_EQ(map.size(), 0u);
  map.Make("a") = 1;
  EXPECT_EQ(*map.Find("a"), 1);
  EXPECT_EQ(map.Make("a"), 1) << "as it was";
  EXPECT_EQ(map.size(), 1u);
}

TEST(AgeMap, ForgetsWhatWasUsedLongestAgo) {
  AgeMap<std::string, int> map(3);
  for (const char* key : {"a", "b", "c"}) map.Make(key) = 1;
  map.Use("a");
  map.Find("b");  // to look is not to use
  map.Make("d");
  EXPECT_EQ(map.Find("b"), nullptr);
  map.Make("c");
  map.Make("e");
  EXPECT_EQ(map.Find("a"), nullptr);
  EXPECT_EQ(map.size(), 3u);
  for (const char* key : {"c", "d", "e"}) EXPECT_NE(map.Find(key), nullptr) << key;
}

TEST(AgeMap, AnErasedKeyIsGoneAndComesBackAnew) {
  AgeMap<int, std::string> map(2);
  map.Make(1) = "one";
  map.Make(2) = "two";
  map.Erase(1);
  map.Erase(7);
  EXPECT_EQ(map.size(), 1u);
  EXPECT_EQ(map.Make(1), "");
  map.Make(3);
  EXPECT_EQ(map.Find(2), nullptr);
}

TEST(AgeMap, AValueStaysWhereItIs) {
  AgeMap<int, int> map(64);
  int* first = &map.Make(0);
  for (int i = 1; i < 64; ++i) map.Make(i);
  map.Erase(5);
  EXPECT_EQ(map.Use(0), first);
}

// Against a list of keys by age, searched from end to end.
TEST(AgeMap, DoesAsASimplerOneDoes) {
  constexpr size_t kMax = 5;
  AgeMap<int, int> map(kMax);
  std::vector<int> by_age;
  std::map<int, int> values;
  std::mt19937 random(1);
  for (int i = 0; i < 20'000; ++i) {
    const int key = static_cast<int>(random() % 9);
    const auto known = std::find(by_age.begin(), by_age.end(), key);
    const bool is_known = known != by_age.end();
    const int act = static_cast<int>(random() % 4);
    if (is_known && act != 0) by_age.erase(known);
    if (act == 0) {
      ASSERT_EQ(map.Find(key) != nullptr, is_known);
    } else if (act == 1) {
      ASSERT_EQ(map.Use(key) != nullptr, is_known);
      if (is_known) by_age.push_back(key);
    } else if (act == 2) {
      if (!is_known && by_age.size() == kMax) by_age.erase(by_age.begin());
      if (!is_known) values[key] = 0;
      by_age.push_back(key);
      ASSERT_EQ(map.Make(key)++, values[key]++);
    } else {
      map.Erase(key);
    }
    ASSERT_EQ(map.size(), by_age.size());
  }
}

}  // namespace
}  // namespace vakt
