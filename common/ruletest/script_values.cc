// SPDX-License-Identifier: Apache-2.0
#include "common/ruletest/script_values.h"

#include <arpa/inet.h>

#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <limits>

#include "absl/strings/numbers.h"
#include "common/base/address.h"
#include "common/base/status.h"
#include "common/base/strings.h"

namespace vakt {

absl::Status Invalid(std::string_view what, const YamlNode& value) {
  return absl::InvalidArgumentError(StrCat(what, ", not \"", value.text, "\""));
}

absl::Status ReadNumber(const YamlNode& value, uint64_t max, uint64_t* out) {
  char* end = nullptr;
  errno = 0;
  const bool digits = value.is_scalar() && !value.text.empty() &&
                      std::isdigit(static_cast<unsigned char>(value.text.front())) != 0;
  *out = digits ? std::strtoull(value.text.c_str(), &end, 0) : 0;
  if (!digits || errno != 0 || *end != '\0' || *out > max) {
    return Invalid(StrCat("expected a number up to ", max), value);
  }
  return absl::OkStatus();
}

absl::Status ReadUint32(const YamlNode& value, uint32_t* out) {
  uint64_t number = 0;
  VAKT_RETURN_IF_ERROR(ReadNumber(value, std::numeric_limits<uint32_t>::max(), &number));
  *out = static_cast<uint32_t>(number);
  return absl::OkStatus();
}

absl::Status ReadText(const YamlNode& value, std::string* out) {
  if (!value.is_scalar()) return absl::InvalidArgumentError("expected text");
  *out = value.text;
  return absl::OkStatus();
}

absl::Status ReadBool(const YamlNode& value, bool* out) {
  if (value.text != "true" && value.text != "false") {
    return Invalid("expected true or false", value);
  }
  *out = value.text == "true";
  return absl::OkStatus();
}

absl::Status ReadEndpoint(const YamlNode& value, v1::Endpoint* out) {
  const std::string_view text = value.text;
  const size_t colon = text.rfind(':');
  uint32_t port = 0;
  if (colon == std::string_view::npos || !absl::SimpleAtoi(ToAbsl(text.substr(colon + 1)), &port) ||
      port > 0xffff) {
    return Invalid("expected address:port or [address]:port", value);
  }
  std::string address(text.substr(0, colon));
  const bool ipv6 = address.size() > 2 && address.front() == '[' && address.back() == ']';
  if (ipv6) address = address.substr(1, address.size() - 2);
  unsigned char bytes[16];
  if (inet_pton(ipv6 ? AF_INET6 : AF_INET, address.c_str(), bytes) != 1) {
    return Invalid("expected address:port or [address]:port", value);
  }
  out->set_address(bytes, ipv6 ? 16 : 4);
  out->set_port(port);
  return absl::OkStatus();
}

absl::Status ReadAddress(const YamlNode& value, std::string* out) {
  const std::optional<AddressBlock> block = ParseAddressBlock(value.text);
  const bool is_one =
      block.has_value() && block->bits == static_cast<int>(block->address.size()) * 8;
  if (!is_one) return Invalid("expected an address", value);
  *out = block->address;
  return absl::OkStatus();
}

}  // namespace vakt
