// SPDX-License-Identifier: Apache-2.0
// A value that a condition compares or an output prints: a field of the event, or transformers
// around fields, as in tolower(proc.name) or concat(proc.pname, "/", proc.name).
//
// Ownership: an Operand owns its text; the FieldRow it names is static.
// Threads: immutable once bound, so it may be shared; the Extractor it fills belongs to the caller.
#ifndef VAKT_COMMON_RULELANG_OPERAND_H_
#define VAKT_COMMON_RULELANG_OPERAND_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "common/event/event.h"
#include "common/event/field_table.h"

namespace vakt {

struct TransformerRow;  // common/rulelang/transformers.h

struct Operand {
  enum class Kind : uint8_t {
    kField,  // field, arg
    kText,   // text: a constant argument of a transformer
    kList,   // parts: the parenthesised argument of join
    kCall,   // transformer and parts, its arguments
  };

  Kind kind = Kind::kText;
  FieldType type = FieldType::kString;  // of the result
  bool is_list = false;                 // several values at once
  const FieldRow* field = nullptr;
  FieldArg arg;
  std::string text;
  const TransformerRow* transformer = nullptr;
  std::vector<Operand> parts;

  // As it would be written in a rule, without needless blanks. Equal operands have equal texts.
  std::string ToText() const;
};

// Appends the values of an operand of kind kField to `out`, nothing when it is null.
using FieldReader = absl::FunctionRef<void(const Operand& field, Extractor& out)>;

// Appends the operand's values to `out`, nothing when it is null. Does not reset `out`.
void ExtractOperand(const Operand& operand, FieldReader read, Extractor& out);
// The same of an event's fields.
void ExtractOperand(const Operand& operand, const Event& event, Extractor& out);

}  // namespace vakt

#endif  // VAKT_COMMON_RULELANG_OPERAND_H_
