// SPDX-License-Identifier: Apache-2.0
// The settings groups `static_fields` and `append_output`: what the operator adds to rules. Keys
// are those of Falco's configuration, where each entry of `append_output` has a name here.
//
// Threads: thread-safe functions.
#ifndef VAKT_COMMON_RULELANG_OUTPUT_SETTINGS_H_
#define VAKT_COMMON_RULELANG_OUTPUT_SETTINGS_H_

#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "common/config/settings.h"
#include "common/rulelang/output_additions.h"

namespace vakt {

// In the order of the file. InvalidArgument, with the place, for what is unknown or malformed;
// whether fields exist is checked when rules are loaded.
absl::StatusOr<std::vector<OutputAddition>> ParseOutputAdditions(
    absl::Span<const GroupValue> values);
absl::StatusOr<StaticFields> ParseStaticFields(absl::Span<const GroupValue> values);

}  // namespace vakt

#endif  // VAKT_COMMON_RULELANG_OUTPUT_SETTINGS_H_
