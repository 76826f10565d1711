// SPDX-License-Identifier: Apache-2.0
// Pieces of streams as they may come out of the ring: whatever the bytes, and however they are cut
// and numbered, reading them ends and keeps within its bounds. Each input is a row of pieces: four
// bytes that say of which stream and how, then as many bytes as the fifth says.
//
//   payload_fuzz -max_len=8192 corpus/
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <vector>

#include "agent/flow/payload_reader.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr size_t kSteering = 5;
  vakt::PayloadReader reader(
      [](const vakt_payload&, const vakt::DnsAnswer& answer, size_t bytes) {
        if (answer.name.size() > 4 * 255 || answer.addresses.size() > 64) abort();
        if (bytes > vakt::StreamTable::kMaxBytes) abort();
      },
      [](const vakt_payload&, const vakt::TlsHello& hello) {
        if (hello.name.size() > 4 * 255) abort();
      });
  while (size > kSteering) {
    vakt_payload about = {};
    about.header.kind = VAKT_FLOWS_KIND;
    about.what = data[0] % 4;
    about.socket = data[1] % 4;
    about.number = data[2];
    about.begins = data[3] & 1;
    about.truncated = data[3] >> 1 & 1;
    const size_t bytes = std::min<size_t>(data[4], size - kSteering);
    about.size = data[3] >> 2 & 1 ? 0xffff : static_cast<uint16_t>(bytes);
    std::vector<std::byte> record(sizeof(about) + bytes);
    std::memcpy(record.data(), &about, sizeof(about));
    std::memcpy(record.data() + sizeof(about), data + kSteering, bytes);
    if (!reader.Read(record)) abort();
    data += kSteering + bytes;
    size -= kSteering + bytes;
  }
  return 0;
}
