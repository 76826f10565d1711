// SPDX-License-Identifier: Apache-2.0
// A condition as it is written: what the parser makes. Names of fields, macros and lists are not
// resolved and constants have no type yet; Bind (bind.h) turns it into an Expr.
//
// Ownership: a tree of values. Threads: value types.
#ifndef VAKT_COMMON_RULELANG_AST_H_
#define VAKT_COMMON_RULELANG_AST_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/event/field_table.h"
#include "common/rulelang/operators.h"
#include "common/rulelang/source_position.h"

namespace vakt {

class ItemSet;  // common/rulelang/item_set.h

// A field, a transformer call, or an argument of one.
struct AstOperand {
  enum class Kind : uint8_t { kField, kText, kList, kCall };

  Kind kind = Kind::kField;
  SourcePosition position;
  std::string name;  // kField: the field; kText: the constant; kCall: the transformer
  FieldArg arg;      // kField; kCall: the selector behind getopt(...)
  std::vector<AstOperand> parts;
};

// A constant on the right of an operator, or the name of a list that stands for several.
struct AstValue {
  std::string text;     // escapes resolved
  bool quoted = false;  // in quotes: never a list's name
  SourcePosition position;
  // Of a list's items those from a file; `text` names them.
  std::shared_ptr<const ItemSet> items = nullptr;
};

struct AstCheck {
  AstOperand left;
  const OperatorRow* op = nullptr;
  Quantifier quantifier = Quantifier::kNone;
  std::vector<AstValue> values;
  bool bare_list = false;           // `in name`, without parentheses
  std::optional<AstOperand> right;  // val(field) or a transformer, instead of values
};

struct Ast {
  enum class Kind : uint8_t { kAnd, kOr, kNot, kCheck, kMacro };

  Kind kind = Kind::kCheck;
  SourcePosition position;
  std::vector<std::unique_ptr<Ast>> children;  // kAnd, kOr: two or more; kNot: one
  std::unique_ptr<AstCheck> check;             // kCheck
  std::string macro;                           // kMacro: its name
};

}  // namespace vakt

#endif  // VAKT_COMMON_RULELANG_AST_H_
