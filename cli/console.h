// SPDX-License-Identifier: Apache-2.0
// Where a verb writes: results to standard output, notes to standard error, colours only where a
// person reads them.
//
// Ownership: borrows the two streams. Threads: one at a time.
#ifndef VAKT_CLI_CONSOLE_H_
#define VAKT_CLI_CONSOLE_H_

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace vakt {

// How a piece of text is to stand out.
enum class Style : uint8_t { kPlain, kBold, kFaint, kGreen, kYellow, kRed, kRedBold, kAlarm };

class Console {
 public:
  Console(FILE* out, FILE* err, bool color) : out_(out), err_(err), color_(color) {}

  // Standard output and standard error; colours if the former is a terminal and NO_COLOR is unset
  // or empty (no-color.org).
  static Console Standard();

  // `text` goes out as it is: whoever makes it escapes what is untrusted.
  void Write(std::string_view text);
  void Line(std::string_view text);
  // "vaktctl: <text>" on standard error.
  void Note(std::string_view text);

  std::string Styled(Style style, std::string_view text) const;

  // Makes what was written visible to the reader. An error when the reader or the disk refused it.
  absl::Status Flush();

 private:
  FILE* out_;
  FILE* err_;
  bool color_;
};

}  // namespace vakt

#endif  // VAKT_CLI_CONSOLE_H_
