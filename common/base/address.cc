// SPDX-License-Identifier: Apache-2.0
#include "common/base/address.h"

#include <arpa/inet.h>

namespace vakt {

std::string AddressText(std::string_view bytes) {
  char text[INET6_ADDRSTRLEN] = {};
  if (bytes.size() == 4 || bytes.size() == 16) {
    inet_ntop(bytes.size() == 4 ? AF_INET : AF_INET6, bytes.data(), text, sizeof(text));
  }
  return text;
}

}  // namespace vakt
