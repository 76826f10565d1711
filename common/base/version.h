// SPDX-License-Identifier: Apache-2.0
// The version of all programs. version.cc checks that it is the one in the top CMakeLists.txt.
#ifndef VAKT_COMMON_BASE_VERSION_H_
#define VAKT_COMMON_BASE_VERSION_H_

#include <string_view>

namespace vakt {

inline constexpr std::string_view kVersion = "0.1.0";

}  // namespace vakt

#endif  // VAKT_COMMON_BASE_VERSION_H_
