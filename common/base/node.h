// SPDX-License-Identifier: Apache-2.0
// What this machine is. Threads: thread-safe.
#ifndef VAKT_COMMON_BASE_NODE_H_
#define VAKT_COMMON_BASE_NODE_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace vakt {

// UUID with dashes, from <root>/proc/sys/kernel/random/boot_id.
absl::StatusOr<std::string> BootId(std::string_view root = "/");

std::string Hostname();
std::string KernelRelease();

// CLOCK_REALTIME - CLOCK_BOOTTIME, now: add it to a boot time to get the wall time.
int64_t BootToWallNs();

}  // namespace vakt

#endif  // VAKT_COMMON_BASE_NODE_H_
