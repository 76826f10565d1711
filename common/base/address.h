// SPDX-License-Identifier: Apache-2.0
// Internet addresses as text. Thread-safe.
#ifndef VAKT_COMMON_BASE_ADDRESS_H_
#define VAKT_COMMON_BASE_ADDRESS_H_

#include <string>
#include <string_view>

namespace vakt {

// Of 4 or 16 bytes in network order, as inet_ntop(3) writes them; empty for any other number.
std::string AddressText(std::string_view bytes);

}  // namespace vakt

#endif  // VAKT_COMMON_BASE_ADDRESS_H_
