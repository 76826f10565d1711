// SPDX-License-Identifier: Apache-2.0
#include "agent/flow/hello_table.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace vakt {
namespace {

using Texts = std::vector<std::string>;

Texts Of(const std::vector<SharedString>& texts) { return {texts.begin(), texts.end()}; }

HelloTable::Key KeyOf(uint64_t program, uint16_t port = 443) {
  return {program, std::string("\xc0\x00\x02\x07", 4), port};
}

TEST(HelloTable, TellsWhatTheProgramSaidToThisPeer) {
  HelloTable table;
  table.Learn(KeyOf(1), {.name = "a.example", .ja4 = "one"}, 100);
  EXPECT_EQ(Of(table.Find(KeyOf(1), 50, 150).names), Texts{"a.example"});
  EXPECT_EQ(Of(table.Find(KeyOf(1), 50, 150).clients), Texts{"one"});
  EXPECT_TRUE(table.Find(KeyOf(2), 50, 150).names.empty()) << "another program";
  EXPECT_TRUE(table.Find(KeyOf(1, 8443), 50, 150).names.empty()) << "another port";
}

TEST(HelloTable, OnlyOfTheTimeThatIsAskedFor) {
  HelloTable table;
  table.Learn(KeyOf(1), {.name = "old.example", .ja4 = "one"}, 100);
  table.Learn(KeyOf(1), {.name = "new.example", .ja4 = "one"}, 200);
  EXPECT_EQ(Of(table.Find(KeyOf(1), 0, 300).names), (Texts{"new.example", "old.example"}));
  EXPECT_EQ(Of(table.Find(KeyOf(1), 150, 300).names), Texts{"new.example"});
  EXPECT_EQ(Of(table.Find(KeyOf(1), 150, 300).clients), Texts{"one"}) << "said again";
  EXPECT_EQ(Of(table.Find(KeyOf(1), 0, 150).names), Texts{"old.example"});
}

TEST(HelloTable, KeepsTheNewestFour) {
  HelloTable table;
  for (int i = 0; i < 6; ++i) table.Learn(KeyOf(1), {.name = std::to_string(i)}, 100 + i);
  EXPECT_EQ(Of(table.Find(KeyOf(1), 0, 200).names), (Texts{"5", "4", "3", "2"}));
}

TEST(HelloTable, WhatIsAskedForStays) {
  HelloTable table(2);
  table.Learn(KeyOf(1), {.name = "a"}, 1);
  table.Learn(KeyOf(2), {.name = "b"}, 2);
  table.Find(KeyOf(1), 0, 10);
  table.Learn(KeyOf(3), {.name = "c"}, 3);
  EXPECT_EQ(table.size(), 2u);
  EXPECT_EQ(Of(table.Find(KeyOf(1), 0, 10).names), Texts{"a"});
  EXPECT_TRUE(table.Find(KeyOf(2), 0, 10).names.empty());
}

TEST(HelloTable, WhatSaysNothingTakesNoRoom) {
  HelloTable table;
  table.Learn(KeyOf(1), {}, 1);
  EXPECT_EQ(table.size(), 0u);
}

}  // namespace
}  // namespace vakt
