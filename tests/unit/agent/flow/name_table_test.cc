// SPDX-License-Identifier: Apache-2.0
#include "agent/flow/name_table.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace vakt {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;

DnsAnswer Answer(const std::string& name, const std::string& address, uint32_t ttl = 300) {
  return {.name = name, .addresses = {{address, ttl}}};
}

std::vector<std::string> Found(const NameTable& table, uint32_t net_ns, const std::string& address,
                               uint64_t at_s, uint64_t until_s = 0) {
  std::vector<std::string> names;
  for (const SharedString& name :
       table.Find(net_ns, address, at_s * kSecond, std::max(at_s, until_s) * kSecond)) {
    names.emplace_back(name.view());
  }
  return names;
}

using Names = std::vector<std::string>;

TEST(NameTable, NamesArePerNetworkNamespace) {
  NameTable table;
  table.Learn(1, Answer("a.example", "1234"), 10 * kSecond);
  EXPECT_EQ(Found(table, 1, "1234", 11), Names{"a.example"});
  EXPECT_EQ(Found(table, 2, "1234", 11), Names{});
  EXPECT_EQ(Found(table, 1, "1235", 11), Names{});
}

TEST(NameTable, NamesHoldForTheirTimeAndAMinute) {
  NameTable table;
  table.Learn(1, Answer("a.example", "1234", 30), 100 * kSecond);
  EXPECT_EQ(Found(table, 1, "1234", 50, 99), Names{}) << "before it was asked for";
  EXPECT_EQ(Found(table, 1, "1234", 50, 100), Names{"a.example"});
  EXPECT_EQ(Found(table, 1, "1234", 190), Names{"a.example"});
  EXPECT_EQ(Found(table, 1, "1234", 191), Names{});
  table.Learn(1, Answer("a.example", "1234", 0xffffffff), 200 * kSecond);
  EXPECT_EQ(Found(table, 1, "1234", 200 + 24 * 3600 + 60), Names{"a.example"});
  EXPECT_EQ(Found(table, 1, "1234", 200 + 24 * 3600 + 61), Names{});
}

TEST(NameTable, AnAddressHasSeveralNamesTheNewestFirst) {
  NameTable table;
  for (const char* name : {"a", "b", "c", "b", "d", "e"}) {
    table.Learn(1, Answer(name, "1234"), 10 * kSecond);
  }
  EXPECT_EQ(Found(table, 1, "1234", 11), (Names{"e", "d", "b", "c"}));
}

TEST(NameTable, WhatWasToldLongestAgoGoesFirst) {
  NameTable table(3);
  for (const char* address : {"1111", "2222", "3333"}) {
    table.Learn(1, Answer("a", address), 10 * kSecond);
  }
  table.Learn(1, Answer("a", "1111"), 11 * kSecond);
  table.Learn(1, Answer("a", "4444"), 12 * kSecond);
  EXPECT_EQ(table.size(), 3u);
  EXPECT_EQ(Found(table, 1, "2222", 12), Names{});
  EXPECT_EQ(Found(table, 1, "1111", 12), Names{"a"});
  EXPECT_EQ(Found(table, 1, "4444", 12), Names{"a"});
}

}  // namespace
}  // namespace vakt
