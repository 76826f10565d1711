// SPDX-License-Identifier: Apache-2.0
// Syntax tree to condition: puts macros and lists in place, names to rows of the field table,
// constants to the types of their fields, and checks that operators and types agree.
//
// Threads: thread-compatible.
#ifndef VAKT_COMMON_RULELANG_BIND_H_
#define VAKT_COMMON_RULELANG_BIND_H_

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/rulelang/ast.h"
#include "common/rulelang/bind_operand.h"
#include "common/rulelang/definitions.h"
#include "common/rulelang/expr.h"
#include "common/rulelang/source_position.h"

namespace vakt {

// How much a load may still grow: a few macros or lists that name each other twice over would
// otherwise fill the memory.
struct BindBudget {
  size_t nodes = 1'000'000;
  size_t literals = 2'000'000;
};

struct BindWarning {
  std::string message;
  SourcePosition position;
};

class Binder {
 public:
  // Borrows both. The macros' trees must be free of loops.
  Binder(Definitions* definitions, BindBudget* budget, FieldFinder find = FindField)
      : definitions_(definitions), budget_(budget), find_(find) {}

  // NotFound: a field or an event type that does not exist. InvalidArgument: any other error.
  // error_position() says where.
  absl::StatusOr<std::unique_ptr<Expr>> Bind(const Ast& ast);

  SourcePosition error_position() const { return error_position_; }
  const std::vector<BindWarning>& warnings() const { return warnings_; }

 private:
  absl::StatusOr<std::unique_ptr<Expr>> BindNode(const Ast& ast, int depth);
  absl::StatusOr<std::unique_ptr<Expr>> BindCheck(const Ast& ast);
  absl::StatusOr<Operand> BindWithStatics(const AstOperand& ast, OperandUse use);
  absl::Status BindRight(const AstCheck& ast, Check* check);
  absl::Status BindLiterals(const AstCheck& ast, Check* check);
  absl::Status CheckBareList(const AstValue& value);
  absl::Status AddItems(const AstValue& value, Check* check);
  absl::Status AddLiteral(const AstValue& value, Check* check);
  // Appends `value`, or the items of the list that it names, to *values.
  absl::Status Expand(const AstValue& value, std::vector<const ListDefinition*>* open,
                      std::vector<const AstValue*>* values);
  absl::Status At(SourcePosition position, absl::Status status);

  Definitions* definitions_;
  BindBudget* budget_;
  FieldFinder find_;
  SourcePosition error_position_;
  std::vector<BindWarning> warnings_;
};

}  // namespace vakt

#endif  // VAKT_COMMON_RULELANG_BIND_H_
