// SPDX-License-Identifier: Apache-2.0
// The nearest known name to a mistyped one. Threads: thread-safe.
#ifndef VAKT_COMMON_CONFIG_SUGGESTION_H_
#define VAKT_COMMON_CONFIG_SUGGESTION_H_

#include <string>
#include <string_view>

#include "absl/types/span.h"

namespace vakt {

// " (did you mean 'collector.address'?)", or nothing when no known name is near.
std::string DidYouMean(std::string_view name, absl::Span<const std::string_view> known);

}  // namespace vakt

#endif  // VAKT_COMMON_CONFIG_SUGGESTION_H_
