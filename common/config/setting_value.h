// SPDX-License-Identifier: Apache-2.0
// Text of one setting to its value. Errors say what is allowed. Threads: thread-safe.
#ifndef VAKT_COMMON_CONFIG_SETTING_VALUE_H_
#define VAKT_COMMON_CONFIG_SETTING_VALUE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/config/setting_table.h"

namespace vakt {

absl::StatusOr<uint64_t> ParseUint(std::string_view text);
// 4096, 64k, 64KiB, 16M, 16MiB, 1G, 1GiB: powers of 1024, in either case.
absl::StatusOr<uint64_t> ParseBytes(std::string_view text);
// 10ms, 5s, 1h30m, 90d: not negative, not infinite.
absl::StatusOr<absl::Duration> ParseDuration(std::string_view text);
absl::StatusOr<bool> ParseBool(std::string_view text);  // true, false, yes, no, on, off, 1, 0

// "a,b" to {"a", "b"}; empty items are left out.
std::vector<std::string> SplitList(std::string_view text);

// Whether `text` is a value of the row. Lists take anything.
absl::Status CheckSettingValue(const SettingRow& row, std::string_view text);

}  // namespace vakt

#endif  // VAKT_COMMON_CONFIG_SETTING_VALUE_H_
