// SPDX-License-Identifier: Apache-2.0
#include "common/base/siphash.h"

#include <gtest/gtest.h>

#include <string>

namespace vakt {
namespace {

// Key 00 01 .. 0f, texts 00 01 .. of rising length: the first values of the reference vectors, and
// that of the paper's appendix A (15 bytes).
TEST(SipHash, IsThatOfTheReference) {
  SipKey key;
  for (size_t i = 0; i < key.size(); ++i) key[i] = static_cast<uint8_t>(i);
  const auto hash = [&](size_t size) {
    std::string text;
    for (size_t i = 0; i < size; ++i) text.push_back(static_cast<char>(i));
    return SipHash(key, text);
  };
  EXPECT_EQ(hash(0), 0x726fdb47dd0e0e31u);
  EXPECT_EQ(hash(1), 0x74f839c593dc67fdu);
  EXPECT_EQ(hash(2), 0x0d6c8009d9a94f5au);
  EXPECT_EQ(hash(7), 0xab0200f58b01d137u);
  EXPECT_EQ(hash(8), 0x93f5f5799a932462u);
  EXPECT_EQ(hash(15), 0xa129ca6149be45e5u);
}

TEST(SipHash, DependsOnTheKey) {
  EXPECT_NE(SipHash({1}, "text"), SipHash({2}, "text"));
  EXPECT_NE(SipHash({}, "a"), SipHash({}, std::string("a\0", 2)));
}

}  // namespace
}  // namespace vakt
