// SPDX-License-Identifier: Apache-2.0
// Keys of rules that are ours: attack, controls, runbook, throttle and correlate. Falco ignores
// them, so they may stand in any rule file.
//
// Threads: thread-compatible functions.
#ifndef VAKT_COMMON_RULELANG_READ_EXTRAS_H_
#define VAKT_COMMON_RULELANG_READ_EXTRAS_H_

#include <string_view>

#include "absl/types/span.h"
#include "common/rulelang/definitions.h"
#include "common/rulelang/item_reader.h"

namespace vakt {

absl::Span<const std::string_view> ExtraKeys();

// Those of the keys that the item has replace what *extras holds of them. False after an error.
bool ReadExtras(const ItemReader& item, RuleExtras* extras);

}  // namespace vakt

#endif  // VAKT_COMMON_RULELANG_READ_EXTRAS_H_
