// SPDX-License-Identifier: Apache-2.0
// A condition that is ready to be evaluated: macros and lists are gone, fields are rows of the
// field table, and constants have the type that their field compares with.
//
// Ownership: a tree of values. Threads: immutable once bound, so it may be shared.
#ifndef VAKT_COMMON_RULELANG_EXPR_H_
#define VAKT_COMMON_RULELANG_EXPR_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/event/field_table.h"
#include "common/rulelang/operand.h"
#include "common/rulelang/operators.h"
#include "common/rulelang/source_position.h"

namespace re2 {
class RE2;
}

namespace vakt {

class ItemSet;  // common/rulelang/item_set.h

// A constant on the right of an operator.
struct Literal {
  Value::Tag tag = Value::Tag::kString;
  std::string text;  // kString: the bytes; otherwise as written
  int64_t int_value = 0;
  uint64_t uint_value = 0;
  double double_value = 0;
  bool bool_value = false;
  IpAddress ip;
  int prefix_bits = -1;                   // of a CIDR block; -1 when it is not one
  std::shared_ptr<const re2::RE2> regex;  // of the operator regex
  // Items from a file, which count as constants of `in`; kString, and `text` names the file and
  // what it holds. No text equals such a literal.
  std::shared_ptr<const ItemSet> items;

  // Strings point into this literal.
  Value value() const;
};

// Operand operator constants, or operand operator operand.
struct Check {
  Operand left;
  const OperatorRow* op = nullptr;
  Quantifier quantifier = Quantifier::kNone;
  std::vector<Literal> literals;         // one, or the elements of the list
  std::unique_ptr<const Operand> right;  // val(field) or a transformer; then no literals

  // As it would be written in a rule. Equal checks have equal texts.
  std::string ToText() const;
};

struct Expr {
  enum class Kind : uint8_t { kAnd, kOr, kNot, kCheck };

  Kind kind = Kind::kCheck;
  SourcePosition position;
  std::vector<std::unique_ptr<Expr>> children;  // kAnd, kOr: two or more; kNot: one
  std::unique_ptr<Check> check;                 // kCheck
};

}  // namespace vakt

#endif  // VAKT_COMMON_RULELANG_EXPR_H_
