// SPDX-License-Identifier: Apache-2.0
#include "cli/console.h"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "common/base/status.h"
#include "common/base/strings.h"

namespace vakt {
namespace {

// SGR sequences of ECMA-48.
std::string_view SgrOf(Style style) {
  switch (style) {
    case Style::kPlain:
      return "";
    case Style::kBold:
      return "\x1b[1m";
    case Style::kFaint:
      return "\x1b[2m";
    case Style::kGreen:
      return "\x1b[32m";
    case Style::kYellow:
      return "\x1b[33m";
    case Style::kRed:
      return "\x1b[31m";
    case Style::kRedBold:
      return "\x1b[1;31m";
    case Style::kAlarm:
      return "\x1b[1;37;41m";
  }
  return "";
}

}  // namespace

Console Console::Standard() {
  const char* no_color = getenv("NO_COLOR");
  const bool refused = no_color != nullptr && no_color[0] != '\0';
  return Console(stdout, stderr, !refused && isatty(STDOUT_FILENO) == 1);
}

void Console::Write(std::string_view text) { fwrite(text.data(), 1, text.size(), out_); }

void Console::Line(std::string_view text) {
  Write(text);
  Write("\n");
}

void Console::Note(std::string_view text) {
  const std::string line = StrCat("vaktctl: ", text, "\n");
  fwrite(line.data(), 1, line.size(), err_);
}

std::string Console::Styled(Style style, std::string_view text) const {
  if (!color_ || style == Style::kPlain) return std::string(text);
  return StrCat(SgrOf(style), text, "\x1b[0m");
}

absl::Status Console::Flush() {
  errno = 0;
  if (fflush(out_) == 0 && ferror(out_) == 0) return absl::OkStatus();
  return ErrnoStatus(errno == 0 ? EIO : errno, "cannot write to standard output");
}

}  // namespace vakt
