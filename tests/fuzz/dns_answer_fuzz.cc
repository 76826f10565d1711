// SPDX-License-Identifier: Apache-2.0
// Answers of name servers come from the network: whatever the bytes, reading them ends, and what
// comes out is within its bounds.
//
//   dns_answer_fuzz -max_len=1232 corpus/
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "agent/flow/dns_answer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto answer = vakt::ParseDnsAnswer({reinterpret_cast<const char*>(data), size});
  if (!answer.has_value()) return 0;
  // Each byte of a name of 255 may come out as four.
  if (answer->name.empty() || answer->name.size() > 4 * 255) abort();
  if (answer->addresses.size() > 64 || answer->aliases.size() > 16) abort();
  for (const vakt::DnsAddress& one : answer->addresses) {
    if (one.address.size() != 4 && one.address.size() != 16) abort();
  }
  for (const char c : answer->name) {
    if (c <= ' ' || c > '~') abort();
  }
  return 0;
}
