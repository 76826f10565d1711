// SPDX-License-Identifier: Apache-2.0
// Text to syntax tree: conditions, and the operands that outputs and exceptions name.
//
// Recursive descent without a separate lexer, since words are keywords by position only. The text
// is untrusted: nesting is bounded, so no text can exhaust the stack.
//
// Threads: thread-safe functions.
#ifndef VAKT_COMMON_RULELANG_PARSER_H_
#define VAKT_COMMON_RULELANG_PARSER_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/rulelang/ast.h"
#include "common/rulelang/source_position.h"
#include "common/rulelang/source_text.h"

namespace vakt {

// Parentheses, `not` and transformer calls may nest this deep.
inline constexpr int kMaxNesting = 1000;

// InvalidArgument says what was expected; *error_position (may be null) says where.
absl::StatusOr<std::unique_ptr<Ast>> ParseCondition(const SourceText& source,
                                                    SourcePosition* error_position);

// A field or transformer call at the start of `text`, as in "proc.aname[2] did ...". *consumed is
// how many bytes it takes.
absl::StatusOr<AstOperand> ParseOperandPrefix(std::string_view text, size_t* consumed);

// The whole of `text` is a field or transformer call.
absl::StatusOr<AstOperand> ParseOperand(std::string_view text);

// `quoted` with its quotes, to the bytes it stands for. Nullopt when it is no quoted string.
std::optional<std::string> Unquote(std::string_view quoted);
// `text` in double quotes, such that Unquote gives it back.
std::string Quote(std::string_view text);

}  // namespace vakt

#endif  // VAKT_COMMON_RULELANG_PARSER_H_
