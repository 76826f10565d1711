// SPDX-License-Identifier: Apache-2.0
#include "common/rulelang/source_text.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"

namespace vakt {
namespace {

// Walks a file's text and keeps line and column.
class Walker {
 public:
  Walker(const SourceFile& file, SourcePosition start)
      : text_(file.text()), offset_(file.OffsetOf(start)), position_(start) {}

  bool at_end() const { return offset_ >= text_.size(); }
  char current() const { return text_[offset_]; }
  SourcePosition position() const { return position_; }
  void Step() {
    if (text_[offset_++] == '\n') {
      ++position_.line;
      position_.column = 1;
    } else {
      ++position_.column;
    }
  }
  void SkipLine() {
    while (!at_end() && current() != '\n') Step();
  }
  void SkipBlanks() {
    while (!at_end() && absl::ascii_isspace(current())) Step();
  }

 private:
  std::string_view text_;
  size_t offset_;
  SourcePosition position_;
};

}  // namespace

SourceFile::SourceFile(std::string_view text, int file) : text_(text), file_(file) {
  line_starts_.push_back(0);
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n') line_starts_.push_back(i + 1);
  }
}

size_t SourceFile::OffsetOf(SourcePosition position) const {
  if (position.line < 1 || position.column < 1) return text_.size();
  const size_t line = static_cast<size_t>(position.line) - 1;
  if (line >= line_starts_.size()) return text_.size();
  return std::min(text_.size(), line_starts_[line] + static_cast<size_t>(position.column) - 1);
}

SourceText::SourceText(std::string text, SourcePosition position)
    : text_(std::move(text)), positions_(text_.size(), position) {}

SourceText SourceText::FromScalar(const SourceFile& file, SourcePosition start,
                                  std::string_view text) {
  start.file = file.file();
  SourceText result(std::string(text), start);
  Walker walker(file, start);
  if (walker.at_end()) return result;
  if (walker.current() == '|' || walker.current() == '>') walker.SkipLine();
  std::vector<SourcePosition> positions(text.size(), start);
  for (size_t i = 0; i < text.size(); ++i) {
    if (absl::ascii_isspace(text[i])) {
      positions[i] = walker.position();
      continue;
    }
    walker.SkipBlanks();
    if (walker.at_end() || walker.current() != text[i]) return result;  // a quoted scalar
    positions[i] = walker.position();
    walker.Step();
  }
  result.positions_ = std::move(positions);
  return result;
}

void SourceText::Append(const SourceText& other) {
  text_ += ' ';
  positions_.push_back(other.PositionOf(0));
  text_ += other.text_;
  positions_.insert(positions_.end(), other.positions_.begin(), other.positions_.end());
}

SourcePosition SourceText::PositionOf(size_t offset) const {
  if (positions_.empty()) return {};
  return offset < positions_.size() ? positions_[offset] : positions_.back();
}

}  // namespace vakt
