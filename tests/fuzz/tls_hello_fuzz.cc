// SPDX-License-Identifier: Apache-2.0
// What a program sends at the beginning of a connection is its own choice: whatever the bytes,
// reading them ends, and what comes out is a name and a fingerprint of their shapes.
//
//   tls_hello_fuzz -max_len=16384 corpus/
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "agent/flow/tls_hello.h"

namespace {

void Check(std::string_view stream) {
  const auto hello = vakt::ParseTlsHello(stream);
  if (!hello.has_value()) return;
  if (hello->name.size() > 4 * 255) abort();  // each byte may come out as four
  for (const char c : hello->name) {
    if (c <= ' ' || c > '~') abort();
  }
  if (hello->ja4.empty()) return;
  if (hello->ja4.size() != 36 || hello->ja4[0] != 't') abort();
  if (hello->ja4[10] != '_' || hello->ja4[23] != '_' || !hello->is_complete) abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  Check(bytes);
  // The same as the body of a hello in one record, so that random bytes get further.
  std::string stream("\x16\x03\x01", 3);
  const size_t message = bytes.size() > 16000 ? 16000 : bytes.size();
  stream += {static_cast<char>((message + 4) >> 8), static_cast<char>(message + 4)};
  stream += {'\x01', '\0', static_cast<char>(message >> 8), static_cast<char>(message)};
  stream += bytes.substr(0, message);
  Check(stream);
  return 0;
}
