// SPDX-License-Identifier: Apache-2.0
// The text comparisons of the rule language that the standard library does not have. All work on
// any bytes, allocate nothing, and know nothing of locales.
//
// Threads: thread-safe functions.
#ifndef VAKT_COMMON_RULELANG_TEXT_MATCH_H_
#define VAKT_COMMON_RULELANG_TEXT_MATCH_H_

#include <string_view>

namespace vakt {

enum class Case : bool { kSensitive, kIgnore };  // ASCII

// fnmatch(3) with no flags, in the C locale: '*' and '?' match '/' too, and a leading dot is not
// special. Sets know ranges, '!' or '^', and classes such as [:digit:]. At most
// size(pattern) * size(text) steps.
bool GlobMatch(std::string_view pattern, std::string_view text, Case fold = Case::kSensitive);

bool ContainsText(std::string_view text, std::string_view part, Case fold = Case::kSensitive);

// Whether the path `prefix` is `path` or a directory above it. Both are split at '/', empty
// components are dropped; components of `prefix` are globs. "/" is above everything.
bool PathStartsWith(std::string_view path, std::string_view prefix);

}  // namespace vakt

#endif  // VAKT_COMMON_RULELANG_TEXT_MATCH_H_
