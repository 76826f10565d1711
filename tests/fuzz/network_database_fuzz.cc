// SPDX-License-Identifier: Apache-2.0
// A database of addresses comes from elsewhere: whatever is in its tree and in its data, looking
// addresses up ends, and what comes out is a country's code, a number or nothing.
//
//   network_database_fuzz -max_len=65536 corpus/
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "agent/flow/network_database.h"
#include "common/base/strings.h"
#include "common/base/unique_fd.h"

namespace {

using Database = vakt::NetworkDatabase;

constexpr char kMarker[] = "\xab\xcd\xefMaxMind.com";

// Fields of the format: a control byte of type and size, then the value.
std::string Text(std::string_view text) {
  return std::string(1, static_cast<char>(2 << 5 | text.size())) + std::string(text);
}
std::string Number16(uint16_t value) {
  return {static_cast<char>(5 << 5 | 2), static_cast<char>(value >> 8), static_cast<char>(value)};
}
std::string Number32(uint32_t value) {
  return {static_cast<char>(6 << 5 | 4), static_cast<char>(value >> 24),
          static_cast<char>(value >> 16), static_cast<char>(value >> 8), static_cast<char>(value)};
}

// A map of what readers need to know of a database that has `nodes` nodes.
std::string Metadata(uint32_t nodes, uint16_t record_bits) {
  std::string out(kMarker, sizeof(kMarker) - 1);
  out += static_cast<char>(7 << 5 | 6);
  out += Text("binary_format_major_version") + Number16(2);
  out += Text("binary_format_minor_version") + Number16(0);
  out += Text("database_type") + Text("Enterprise");
  out += Text("ip_version") + Number16(6);
  out += Text("node_count") + Number32(nodes);
  return out + Text("record_size") + Number16(record_bits);
}

void Check(const std::string& bytes) {
  const vakt::UniqueFd file(memfd_create("vakt-fuzz", MFD_CLOEXEC));
  if (!file || write(file.get(), bytes.data(), bytes.size()) < 0) abort();
  for (const Database::Of of : {Database::Of::kCountries, Database::Of::kSystems}) {
    const auto database = Database::Open(vakt::StrCat("/proc/self/fd/", file.get()), of);
    if (!database.ok()) continue;
    for (const char first : {'\0', '\x20', '\x7f', '\xff'}) {
      for (const size_t size : {4, 16}) {
        const std::string address(size, first);
        const std::string_view country = (*database)->CountryOf(address);
        if (!country.empty() && (country.size() != 2 || country[0] < 'A' || country[1] > 'Z')) {
          abort();
        }
        (*database)->SystemOf(address);
      }
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  Check(bytes);
  // The same as tree and data of a database whose metadata are right, so that random bytes get
  // further. The tree ends at a place that the first byte tells.
  if (size < 2) return 0;
  constexpr uint16_t kBits[] = {24, 28, 32};
  const uint16_t bits = kBits[data[1] % 3];
  const size_t nodes = size * 4 * data[0] / 256 / bits;
  Check(bytes + Metadata(static_cast<uint32_t>(nodes), bits));
  return 0;
}
