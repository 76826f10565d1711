// SPDX-License-Identifier: Apache-2.0
#include "cli/text_table.h"

#include <gtest/gtest.h>

#include "tests/unit/cli/captured_console.h"

namespace vakt {
namespace {

TEST(TextTableTest, AlignsColumnsByCodePoints) {
  CapturedConsole console;
  TextTable table({"NODE", "STATE"});
  table.AddRow({{"n\xc3\xb6rd-1"}, {"up"}});
  table.AddRow({{"n"}, {""}});
  table.Print(console.get());
  EXPECT_EQ(console.out(),
            "NODE    STATE\n"
            "n\xc3\xb6rd-1  up\n"
            "n       -\n");
}

TEST(TextTableTest, EscapesCells) {
  CapturedConsole console;
  TextTable table({"A"});
  table.AddRow({{"\x1b]0;owned\x07\n\xff"}});
  table.Print(console.get());
  EXPECT_EQ(console.out(), "A\n\\x1b]0;owned\\x07\\x0a\\xff\n");
}

TEST(TextTableTest, FillsMissingCells) {
  CapturedConsole console;
  TextTable table({"A", "B"});
  table.AddRow({{"x"}});
  table.Print(console.get());
  EXPECT_EQ(console.out(), "A  B\nx  -\n");
}

TEST(TextTableTest, ColoursDoNotMoveColumns) {
  CapturedConsole console(/*color=*/true);
  TextTable table({"A", "B"});
  table.AddRow({{"x", Style::kRed}, {"y"}});
  table.Print(console.get());
  EXPECT_EQ(console.out(), "\x1b[1mA\x1b[0m  \x1b[1mB\x1b[0m\n\x1b[31mx\x1b[0m  y\n");
}

}  // namespace
}  // namespace vakt
