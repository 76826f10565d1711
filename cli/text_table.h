// SPDX-License-Identifier: Apache-2.0
// Rows of text in aligned columns, for people.
//
//   TextTable table({"NODE", "STATE"});
//   table.AddRow({{node}, {"silent", Style::kRed}});
//   table.Print(console);
//
// Threads: thread-compatible.
#ifndef VAKT_CLI_TEXT_TABLE_H_
#define VAKT_CLI_TEXT_TABLE_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/console.h"

namespace vakt {

// Code points of valid UTF-8: the columns it takes, but for wide and combining characters.
size_t DisplayWidth(std::string_view utf8);

class TextTable {
 public:
  // The text is untrusted: it is escaped when it is printed.
  struct Cell {
    std::string text;
    Style style = Style::kPlain;
  };

  explicit TextTable(std::vector<std::string> header) : header_(std::move(header)) {}

  // As many cells as the header has.
  void AddRow(std::vector<Cell> row);
  bool empty() const { return rows_.empty(); }
  void Print(Console& console) const;

 private:
  std::vector<std::string> header_;
  std::vector<std::vector<Cell>> rows_;
};

}  // namespace vakt

#endif  // VAKT_CLI_TEXT_TABLE_H_
