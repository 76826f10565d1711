// SPDX-License-Identifier: Apache-2.0
// One end of a connection. Values.
#ifndef VAKT_COMMON_EVENT_ENDPOINT_H_
#define VAKT_COMMON_EVENT_ENDPOINT_H_

#include <array>
#include <cstdint>

namespace vakt {

enum class Transport : uint8_t { kUnknown = 0, kTcp = 1, kUdp = 2 };

struct Endpoint {
  std::array<uint8_t, 16> address{};  // IPv4: the first 4 bytes
  uint16_t port = 0;                  // host order
};

}  // namespace vakt

#endif  // VAKT_COMMON_EVENT_ENDPOINT_H_
