// SPDX-License-Identifier: Apache-2.0
// The `output` of a rule: literal text and tokens such as %proc.name, %proc.aname[2], %<10>fd.name
// (padded or cut to ten characters) and %tolower(proc.name).
//
// Ownership: owns its text; operands point at static field rows.
// Threads: immutable once parsed, so it may be shared; Extractors belong to the caller.
#ifndef VAKT_COMMON_RULELANG_OUTPUT_FORMAT_H_
#define VAKT_COMMON_RULELANG_OUTPUT_FORMAT_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "common/event/event.h"
#include "common/event/field_table.h"
#include "common/rulelang/operand.h"
#include "common/rulelang/output_additions.h"

namespace vakt {

class OutputFormat {
 public:
  struct Token {
    std::string literal;  // text between tokens; then `name` is empty and `operand` unused
    std::string name;     // as written, without '%' and width: "proc.aname[2]"
    Operand operand;
    int width = 0;  // pad with blanks, or cut, to this many bytes; 0: as long as it is

    bool is_literal() const { return name.empty(); }
    // The field itself, or null for a literal or a transformer call.
    const FieldRow* field() const {
      return !is_literal() && operand.kind == Operand::Kind::kField ? operand.field : nullptr;
    }
    const FieldArg& arg() const { return operand.arg; }
  };

  OutputFormat() = default;

  // InvalidArgument: an unknown or filter-only field, a '%' without a field, a bad argument.
  static absl::StatusOr<OutputFormat> Parse(std::string_view text,
                                            const StaticFields& statics = {});

  absl::Span<const Token> tokens() const { return tokens_; }

  // The message for `event`: null values print as <NA>, several values are joined by a blank.
  // Valid UTF-8 without control characters: other bytes of values are escaped as \xHH.
  // Resets `scratch` as it goes.
  std::string Render(const Event& event, Extractor& scratch) const;

 private:
  std::vector<Token> tokens_;
};

// One value as output shows it ("O_RDONLY", "443", "true", "10.0.0.1"), not escaped; "<NA>" for
// null.
std::string ValueText(const Value& value);

}  // namespace vakt

#endif  // VAKT_COMMON_RULELANG_OUTPUT_FORMAT_H_
