// SPDX-License-Identifier: Apache-2.0
// Constants: from the text in a rule to a value of the type that a field compares with.
//
// Threads: thread-safe functions.
#ifndef VAKT_COMMON_RULELANG_LITERAL_H_
#define VAKT_COMMON_RULELANG_LITERAL_H_

#include <string_view>

#include "absl/status/statusor.h"
#include "common/event/field_table.h"
#include "common/rulelang/expr.h"
#include "common/rulelang/operators.h"

namespace vakt {

// InvalidArgument: the text is no value of the type ("443x is no number").
absl::StatusOr<Literal> MakeLiteral(const OperatorRow& op, FieldType type, std::string_view text);

}  // namespace vakt

#endif  // VAKT_COMMON_RULELANG_LITERAL_H_
