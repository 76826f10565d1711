// SPDX-License-Identifier: Apache-2.0
#include "cli/text_table.h"

#include <algorithm>
#include <utility>

#include "common/base/text.h"

namespace vakt {
namespace {

constexpr size_t kGap = 2;  // blanks between columns

void PrintRow(const std::vector<TextTable::Cell>& row, const std::vector<size_t>& widths,
              Console& console) {
  std::string line;
  for (size_t i = 0; i < row.size(); ++i) {
    line += console.Styled(row[i].style, row[i].text);
    if (i + 1 == row.size()) break;  // no blanks at the end of lines
    line.append(widths[i] - DisplayWidth(row[i].text) + kGap, ' ');
  }
  console.Line(line);
}

}  // namespace

size_t DisplayWidth(std::string_view utf8) {
  return static_cast<size_t>(std::count_if(utf8.begin(), utf8.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;  // not a continuation byte
  }));
}

void TextTable::AddRow(std::vector<Cell> row) {
  row.resize(header_.size());
  for (Cell& cell : row) {
    cell.text = EscapeUtf8(cell.text);
    if (cell.text.empty()) cell.text.push_back('-');
  }
  rows_.push_back(std::move(row));
}

void TextTable::Print(Console& console) const {
  std::vector<size_t> widths;
  std::vector<Cell> header;
  for (const std::string& title : header_) {
    widths.push_back(title.size());
    header.push_back({title, Style::kBold});
  }
  for (const std::vector<Cell>& row : rows_) {
    for (size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], DisplayWidth(row[i].text));
    }
  }
  PrintRow(header, widths, console);
  for (const std::vector<Cell>& row : rows_) PrintRow(row, widths, console);
}

}  // namespace vakt
