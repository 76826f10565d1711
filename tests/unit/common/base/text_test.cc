// SPDX-License-Identifier: Apache-2.0
#include "common/base/text.h"

#include <random>
#include <string>
#include <string_view>

#include "gtest/gtest.h"

namespace vakt {
namespace {

using std::string_view_literals::operator""sv;

TEST(TextTest, ValidUtf8IsKept) {
  for (const std::string_view text : {"", "plain ~", "å", "漢字", "\U0001f600", "\u00a0"}) {
    EXPECT_TRUE(IsValidUtf8(text));
    EXPECT_EQ(EscapeUtf8(text), text);
  }
}

TEST(TextTest, InvalidBytesAreEscaped) {
  struct Case {
    std::string_view bytes, escaped;
  };
  constexpr Case kCases[] = {
      {"\x80", "\\x80"},                             // continuation without start
      {"\xc0\xaf", "\\xc0\\xaf"},                    // overlong '/'
      {"\xe0\x9f\xbf", "\\xe0\\x9f\\xbf"},           // overlong
      {"\xed\xa0\x80", "\\xed\\xa0\\x80"},           // surrogate
      {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"},  // above U+10FFFF
      {"\xff", "\\xff"},
      {"a\xe6\xbc", "a\\xe6\\xbc"},  // cut off
      {"\xe6\xbcz", "\\xe6\\xbcz"},
  };
  for (const Case& c : kCases) {
    EXPECT_FALSE(IsValidUtf8(c.bytes)) << c.escaped;
    EXPECT_EQ(EscapeUtf8(c.bytes), c.escaped);
  }
}

TEST(TextTest, ControlCharactersAreEscaped) {
  EXPECT_EQ(EscapeUtf8("a\nb\tc\x1b[31m\x7f"), "a\\x0ab\\x09c\\x1b[31m\\x7f");
  EXPECT_EQ(EscapeUtf8("\0"sv), "\\x00");
  EXPECT_EQ(EscapeUtf8("\u0085\u009b"), "\\xc2\\x85\\xc2\\x9b");  // C1: NEL, CSI
}

TEST(TextTest, EscapedRandomBytesAreValidAndOnOneLine) {
  std::mt19937 random(1);
  for (int i = 0; i < 2000; ++i) {
    std::string bytes(random() % 40, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    const std::string escaped = EscapeUtf8(bytes);
    EXPECT_TRUE(IsValidUtf8(escaped));
    EXPECT_EQ(EscapeUtf8(escaped), escaped);
    EXPECT_GE(escaped.size(), bytes.size());
  }
}

TEST(TextTest, JsonQuote) {
  EXPECT_EQ(JsonQuote(""), "\"\"");
  EXPECT_EQ(JsonQuote("a\"b\\c/d"), R"("a\"b\\c/d")");
  EXPECT_EQ(JsonQuote("\b\f\n\r\t\x01\x1f"), R"("\b\f\n\r\t\u0001\u001f")");
  EXPECT_EQ(JsonQuote("å"), "\"å\"");
}

}  // namespace
}  // namespace vakt
