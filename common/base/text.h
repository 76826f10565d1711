// SPDX-License-Identifier: Apache-2.0
// Untrusted bytes to text that is safe in logs, JSON and terminals. Threads: thread-safe.
#ifndef VAKT_COMMON_BASE_TEXT_H_
#define VAKT_COMMON_BASE_TEXT_H_

#include <string>
#include <string_view>

namespace vakt {

// Valid UTF-8 (RFC 3629: no surrogates, no overlong forms, at most U+10FFFF).
bool IsValidUtf8(std::string_view bytes);

// Valid UTF-8 is kept; each byte that is invalid or belongs to a control character (C0 including
// newline and ESC, DEL, C1) becomes \xHH, lower-case. The result is valid UTF-8 on one line.
std::string EscapeUtf8(std::string_view bytes);

// A JSON string with its quotes (RFC 8259 section 7). `utf8` must be valid UTF-8.
std::string JsonQuote(std::string_view utf8);

}  // namespace vakt

#endif  // VAKT_COMMON_BASE_TEXT_H_
