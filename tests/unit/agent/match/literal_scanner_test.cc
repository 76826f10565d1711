// SPDX-License-Identifier: Apache-2.0
#include "agent/match/literal_scanner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "common/base/strings.h"

namespace vakt {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::set<uint32_t> Find(const LiteralScanner& scanner, std::string_view text) {
  std::vector<uint32_t> ids;
  scanner.FindPartsOf(text, &ids);
  return {ids.begin(), ids.end()};
}

TEST(LiteralScannerTest, FindsAnyBytes) {
  LiteralScanner scanner;
  scanner.Add("shadow", Case::kSensitive, 1);
  scanner.Add("Shadow", Case::kIgnore, 2);
  scanner.Add(std::string_view("\xff\0.*", 4), Case::kSensitive, 3);
  ASSERT_TRUE(scanner.Freeze().ok());
  EXPECT_THAT(Find(scanner, "cat /etc/shadow /etc/shadow-"), ElementsAre(1, 2));
  EXPECT_THAT(Find(scanner, "SHADOW"), ElementsAre(2));
  EXPECT_THAT(Find(scanner, std::string_view("x\xff\0.*y", 6)), ElementsAre(3));
  EXPECT_THAT(Find(scanner, "shado"), IsEmpty());
  EXPECT_THAT(Find(scanner, ""), IsEmpty());
  EXPECT_THAT(Find(scanner, std::string_view()), IsEmpty());
}

TEST(LiteralScannerTest, FindsOneOfThousands) {
  LiteralScanner scanner;
  for (uint32_t i = 0; i < 5000; ++i) scanner.Add(StrCat("--option", i, ";"), Case::kSensitive, i);
  ASSERT_TRUE(scanner.Freeze().ok());
  EXPECT_THAT(Find(scanner, "tool --option42; --option4999; --option5000;"), ElementsAre(42, 4999));
}

TEST(LiteralScannerTest, NothingToFind) {
  LiteralScanner scanner;
  EXPECT_TRUE(scanner.empty());
  EXPECT_TRUE(scanner.Freeze().ok());
  EXPECT_TRUE(scanner.empty());
}

}  // namespace
}  // namespace vakt
