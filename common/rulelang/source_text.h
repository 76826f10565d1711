// SPDX-License-Identifier: Apache-2.0
// A text of the rule language (a condition) that remembers where it was written, also after others
// were appended to it.
//
// Ownership: owns its text. Threads: value type.
#ifndef VAKT_COMMON_RULELANG_SOURCE_TEXT_H_
#define VAKT_COMMON_RULELANG_SOURCE_TEXT_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "common/rulelang/source_position.h"

namespace vakt {

// The text of one rule file, with an index of its lines. Does not own the text.
class SourceFile {
 public:
  SourceFile(std::string_view text, int file);

  std::string_view text() const { return text_; }
  int file() const { return file_; }
  // The text's end when there is no such line or column.
  size_t OffsetOf(SourcePosition position) const;

 private:
  std::string_view text_;
  int file_;
  std::vector<size_t> line_starts_;
};

class SourceText {
 public:
  SourceText() = default;
  // A text without a position of its own in a file: all of it is at `position`.
  SourceText(std::string text, SourcePosition position);

  // The YAML scalar with value `text` that starts at `start` in `file`. In plain and block
  // scalars, whose characters are all in the file in the same order but for blanks, each character
  // gets its own position; in others all get `start`.
  static SourceText FromScalar(const SourceFile& file, SourcePosition start, std::string_view text);

  // Appends a blank and `other`.
  void Append(const SourceText& other);

  const std::string& text() const { return text_; }
  SourcePosition PositionOf(size_t offset) const;

 private:
  std::string text_;
  std::vector<SourcePosition> positions_;  // one per byte of text_
};

}  // namespace vakt

#endif  // VAKT_COMMON_RULELANG_SOURCE_TEXT_H_
