// SPDX-License-Identifier: Apache-2.0
// THE table of comparison operators: one row each. The parser, the type check, both evaluators and
// the generated reference read it.
//
// Threads: the table is constant.
#ifndef VAKT_COMMON_RULELANG_OPERATORS_H_
#define VAKT_COMMON_RULELANG_OPERATORS_H_

#include <cstdint>
#include <string_view>

#include "absl/types/span.h"
#include "common/event/field_table.h"

namespace vakt {

struct Literal;

enum class Operator : uint8_t {
  kExists,
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kContains,
  kIcontains,
  kBcontains,
  kStartswith,
  kBstartswith,
  kEndswith,
  kGlob,
  kIglob,
  kRegex,
  kIn,
  kIntersects,
  kPmatch,
};

// What stands to the right of an operator.
enum class Shape : uint8_t {
  kNothing,  // exists
  kNumber,   // < <= > >=
  kText,     // one string
  kList,     // in, intersects, pmatch
};

// How many of several constants must satisfy a text operator: `contains anyof (a, b)`.
enum class Quantifier : uint8_t { kNone, kOneOf, kAnyOf, kAllOf };

std::string_view QuantifierName(Quantifier quantifier);

// A set of field types, one bit each.
using FieldTypeSet = uint32_t;
constexpr FieldTypeSet TypeBit(FieldType type) { return 1u << static_cast<unsigned>(type); }

struct OperatorRow {
  Operator op;
  std::string_view name;   // "startswith"
  std::string_view alias;  // second spelling ("==" for "="), or empty
  Shape shape;
  bool is_word;        // letters: a blank must follow it
  bool hex;            // the constant is hexadecimal bytes
  bool takes_lists;    // applies to list fields
  FieldTypeSet types;  // field types that it applies to
  // `left op right` for one value and one constant (in, intersects, pmatch: one of their
  // elements). `literal` is the constant, null when the right-hand side is a field. Neither value
  // is null. Null for `exists`.
  bool (*test)(const Value& left, const Value& right, const Literal* literal);
  std::string_view text;  // one sentence for the reference
};

// All rows, in the order of the enum.
absl::Span<const OperatorRow> AllOperators();
const OperatorRow& OperatorOf(Operator op);
// Null when there is no such operator. Case-sensitive.
const OperatorRow* FindOperator(std::string_view name);

}  // namespace vakt

#endif  // VAKT_COMMON_RULELANG_OPERATORS_H_
