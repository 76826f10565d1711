// SPDX-License-Identifier: Apache-2.0
// Threads: thread-safe function.
#ifndef VAKT_COMMON_RULELANG_SHA256_H_
#define VAKT_COMMON_RULELANG_SHA256_H_

#include <string>
#include <string_view>

namespace vakt {

// In lower-case hexadecimal.
std::string Sha256Hex(std::string_view bytes);

}  // namespace vakt

#endif  // VAKT_COMMON_RULELANG_SHA256_H_
