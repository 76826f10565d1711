// SPDX-License-Identifier: Apache-2.0
// SipHash-2-4 (Aumasson and Bernstein, 2012): a hash of 64 bits under a key. Who does not know the
// key cannot choose texts that collide. Threads: pure functions.
#ifndef VAKT_COMMON_BASE_SIPHASH_H_
#define VAKT_COMMON_BASE_SIPHASH_H_

#include <array>
#include <cstdint>
#include <string_view>

namespace vakt {

using SipKey = std::array<uint8_t, 16>;

uint64_t SipHash(const SipKey& key, std::string_view text);

}  // namespace vakt

#endif  // VAKT_COMMON_BASE_SIPHASH_H_
