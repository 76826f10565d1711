// SPDX-License-Identifier: Apache-2.0
// Internet addresses, as 4 or 16 bytes in network order, and blocks of them. Thread-safe.
#ifndef VAKT_COMMON_BASE_ADDRESS_H_
#define VAKT_COMMON_BASE_ADDRESS_H_

#include <optional>
#include <string>
#include <string_view>

namespace vakt {

// As inet_ntop(3) writes them; empty for another number of bytes than 4 or 16.
std::string AddressText(std::string_view bytes);

// All addresses that begin with the first `bits` of `address`.
struct AddressBlock {
  std::string address;
  int bits = 0;
  bool Contains(std::string_view bytes) const;
};

// "10.0.0.0/8", "fd00::/8"; an address alone is the block of itself. nullopt: it is neither.
std::optional<AddressBlock> ParseAddressBlock(std::string_view text);

}  // namespace vakt

#endif  // VAKT_COMMON_BASE_ADDRESS_H_
