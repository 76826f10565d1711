// SPDX-License-Identifier: Apache-2.0
#include "common/recordlog/crc32c.h"

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace vakt {
namespace {

constexpr uint32_t kPolynomial = 0x82f63b78u;  // bit-reversed 0x1edc6f41

constexpr std::array<uint32_t, 256> MakeTable() {
  std::array<uint32_t, 256> table{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) ? kPolynomial : 0);
    table[byte] = crc;
  }
  return table;
}

constexpr std::array<uint32_t, 256> kTable = MakeTable();

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) uint32_t ExtendCrc32cSse42(uint32_t crc, std::string_view bytes) {
  uint64_t state = ~crc;
  const char* data = bytes.data();
  size_t left = bytes.size();
  for (; left >= sizeof(uint64_t); data += sizeof(uint64_t), left -= sizeof(uint64_t)) {
    uint64_t word;
    memcpy(&word, data, sizeof(word));
    state = _mm_crc32_u64(state, word);
  }
  uint32_t tail = static_cast<uint32_t>(state);
  for (; left > 0; ++data, --left) tail = _mm_crc32_u8(tail, static_cast<uint8_t>(*data));
  return ~tail;
}
#endif

using ExtendFunction = uint32_t (*)(uint32_t, std::string_view);

ExtendFunction ChooseExtend() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("sse4.2")) return ExtendCrc32cSse42;
#endif
  return ExtendCrc32cPortable;
}

}  // namespace

uint32_t ExtendCrc32cPortable(uint32_t crc, std::string_view bytes) {
  uint32_t state = ~crc;
  for (char c : bytes) state = (state >> 8) ^ kTable[(state ^ static_cast<uint8_t>(c)) & 0xff];
  return ~state;
}

uint32_t ExtendCrc32c(uint32_t crc, std::string_view bytes) {
  static const ExtendFunction extend = ChooseExtend();
  return extend(crc, bytes);
}

uint32_t Crc32c(std::string_view bytes) { return ExtendCrc32c(0, bytes); }

}  // namespace vakt
