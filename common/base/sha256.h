// SPDX-License-Identifier: Apache-2.0
// SHA-256, by OpenSSL. Thread-safe.
#ifndef VAKT_COMMON_BASE_SHA256_H_
#define VAKT_COMMON_BASE_SHA256_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace vakt {

inline constexpr size_t kSha256Bytes = 32;
using Sha256Hash = std::array<uint8_t, kSha256Bytes>;

// Of both, one after the other.
Sha256Hash Sha256(std::string_view head, std::string_view tail = {});
// Of a whole file, read in pieces. Errors name the path.
absl::StatusOr<Sha256Hash> Sha256OfFile(const std::string& path);
// 64 lower-case hexadecimal digits.
std::string ToHex(const Sha256Hash& hash);
// What ToHex made, in either case; nullopt when it is not 64 hexadecimal digits.
std::optional<Sha256Hash> Sha256FromHex(std::string_view hex);

}  // namespace vakt

#endif  // VAKT_COMMON_BASE_SHA256_H_
