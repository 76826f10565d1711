// SPDX-License-Identifier: Apache-2.0
// THE table of transformers: functions of conditions and outputs that compute a value from others.
//
// Threads: the table is constant.
#ifndef VAKT_COMMON_RULELANG_TRANSFORMERS_H_
#define VAKT_COMMON_RULELANG_TRANSFORMERS_H_

#include <cstddef>
#include <string_view>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "common/event/field_table.h"
#include "common/rulelang/operand.h"

namespace vakt {

struct TransformerRow {
  std::string_view name;
  size_t min_arguments;
  size_t max_arguments;
  bool takes_selector;  // name(...)[selector]
  // Checks the arguments' types and sets the call's type. InvalidArgument says what is wrong.
  absl::Status (*bind)(Operand* call);
  // Appends the result to `out`, nothing when it is null. `values` are those of all arguments, in
  // order, and not in `out`; no argument is null.
  void (*apply)(const Operand& call, absl::Span<const Value> values, Extractor& out);
  std::string_view text;  // one sentence for the reference
};

absl::Span<const TransformerRow> AllTransformers();
// Null when there is no such transformer. Case-sensitive.
const TransformerRow* FindTransformer(std::string_view name);

}  // namespace vakt

#endif  // VAKT_COMMON_RULELANG_TRANSFORMERS_H_
