// SPDX-License-Identifier: Apache-2.0
// Names of fields and transformers to rows of their tables.
//
// Threads: thread-safe functions.
#ifndef VAKT_COMMON_RULELANG_BIND_OPERAND_H_
#define VAKT_COMMON_RULELANG_BIND_OPERAND_H_

#include <cstdint>
#include <functional>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/event/field_table.h"
#include "common/rulelang/ast.h"
#include "common/rulelang/operand.h"

namespace vakt {

// Where an operand stands: not all fields may stand everywhere.
enum class OperandUse : uint8_t { kLeft, kRight, kOutput };

// Where names of fields are looked up: FindField, or a table that adds to it.
using FieldFinder = const FieldRow* (*)(std::string_view name);

// NotFound: no such field. InvalidArgument: an argument too many, too few or of the wrong type, or
// a field that may not stand here.
absl::StatusOr<Operand> BindOperand(const AstOperand& ast, OperandUse use,
                                    FieldFinder find = FindField);

// The field that `name` names. "evt.arg.flags" names evt.arg with the argument "flags". Null when
// there is none; *arg is set only when the name holds one.
const FieldRow* ResolveField(std::string_view name, FieldArg* arg, FieldFinder find = FindField);

// Calls `visit` for each field in the operand.
void ForEachField(const Operand& operand, const std::function<void(const Operand&)>& visit);

}  // namespace vakt

#endif  // VAKT_COMMON_RULELANG_BIND_OPERAND_H_
