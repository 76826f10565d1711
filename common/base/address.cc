// SPDX-License-Identifier: Apache-2.0
#include "common/base/address.h"

#include <arpa/inet.h>

#include <cstdint>

#include "absl/strings/numbers.h"
#include "common/base/strings.h"

namespace vakt {

std::string AddressText(std::string_view bytes) {
  char text[INET6_ADDRSTRLEN] = {};
  if (bytes.size() == 4 || bytes.size() == 16) {
    inet_ntop(bytes.size() == 4 ? AF_INET : AF_INET6, bytes.data(), text, sizeof(text));
  }
  return text;
}

bool AddressBlock::Contains(std::string_view bytes) const {
  const auto whole = static_cast<size_t>(bits / 8);
  if (bytes.size() != address.size() || bytes.substr(0, whole) != address.substr(0, whole)) {
    return false;
  }
  const int rest = bits % 8;
  return rest == 0 ||
         ((static_cast<uint8_t>(bytes[whole]) ^ static_cast<uint8_t>(address[whole])) >>
          (8 - rest)) == 0;
}

std::optional<AddressBlock> ParseAddressBlock(std::string_view text) {
  const size_t slash = text.find('/');
  const bool ipv6 = text.find(':') != text.npos;
  const int size = ipv6 ? 16 : 4;
  AddressBlock block{.address = std::string(static_cast<size_t>(size), 0), .bits = size * 8};
  const std::string address(text.substr(0, slash));
  if (inet_pton(ipv6 ? AF_INET6 : AF_INET, address.c_str(), block.address.data()) != 1) {
    return std::nullopt;
  }
  if (slash == text.npos) return block;
  if (!absl::SimpleAtoi(ToAbsl(text.substr(slash + 1)), &block.bits)) return std::nullopt;
  if (block.bits < 0 || block.bits > size * 8) return std::nullopt;
  return block;
}

}  // namespace vakt
