// SPDX-License-Identifier: Apache-2.0
// The words of the rule language: what the parser's productions end in.
//
// Ownership: views into the text that is scanned. Threads: thread-compatible.
#ifndef VAKT_COMMON_RULELANG_SCANNER_H_
#define VAKT_COMMON_RULELANG_SCANNER_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace vakt {

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  size_t offset() const { return offset_; }
  void set_offset(size_t offset) { offset_ = offset; }
  bool at_end() const { return offset_ >= text_.size(); }
  // '\0' at the end.
  char current() const { return at_end() ? '\0' : text_[offset_]; }
  bool at_blank() const;

  // True when there was at least one blank.
  bool SkipBlanks();
  // Each of these takes the text if it is there and says whether it was.
  bool Take(char c);
  bool Take(std::string_view literal);

  // These return an empty view, and take nothing, when there is no such word.
  std::string_view TakeWord();         // [a-zA-Z]+[a-zA-Z0-9_]*
  std::string_view TakeFieldName();    // words joined by dots, or one word
  std::string_view TakeBareText();     // anything up to blank, comma, '=', quote or parenthesis
  std::string_view TakeNumber();       // hexadecimal, or decimal with a fraction or an exponent
  std::string_view TakeBracketText();  // anything up to blank, quote or bracket

  bool at_quote() const { return current() == '"' || current() == '\''; }
  // A quoted string with its escapes resolved; an error when it does not end or has an unknown
  // escape.
  absl::StatusOr<std::string> TakeQuoted();

 private:
  template <typename Predicate>
  std::string_view TakeWhile(Predicate predicate);
  absl::Status TakeEscape(char quote, std::string* out);

  std::string_view text_;
  size_t offset_ = 0;
};

}  // namespace vakt

#endif  // VAKT_COMMON_RULELANG_SCANNER_H_
