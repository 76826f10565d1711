// SPDX-License-Identifier: Apache-2.0
#include "agent/flow/network_database.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/base/text.h"
#include "common/base/unique_fd.h"

namespace vakt {
namespace {

absl::StatusOr<UniqueFd> CopyToMemory(const std::string& path) {
  const UniqueFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file) return ErrnoStatus(errno, StrCat("open ", EscapeUtf8(path)));
  UniqueFd memory(memfd_create("vakt-network-database", MFD_CLOEXEC));
  if (!memory) return ErrnoStatus(errno, "memfd_create");
  for (size_t copied = 0; copied <= NetworkDatabase::kMaxFileBytes;) {
    constexpr size_t kChunk = size_t{1} << 20;
    const ssize_t chunk = sendfile(memory.get(), file.get(), nullptr, kChunk);
    if (chunk == 0) return memory;
    if (chunk < 0 && errno == EINTR) continue;
    if (chunk < 0) return ErrnoStatus(errno, StrCat("read ", EscapeUtf8(path)));
    copied += static_cast<size_t>(chunk);
  }
  return absl::ResourceExhaustedError(
      StrCat(EscapeUtf8(path), " holds more than ", NetworkDatabase::kMaxFileBytes >> 20,
             " MiB: a database of countries or of autonomous systems alone is smaller"));
}

// Whether a database of this type (a name that its maker gave it) has what is asked for.
bool Has(std::string_view type, NetworkDatabase::Of of) {
  const auto names = [&](std::string_view part) { return type.find(part) != type.npos; };
  if (names("Enterprise")) return true;
  return of == NetworkDatabase::Of::kCountries ? names("Country") || names("City")
                                               : names("ASN") || names("ISP");
}

}  // namespace

absl::StatusOr<std::shared_ptr<const NetworkDatabase>> NetworkDatabase::Open(
    const std::string& path, Of of) {
  VAKT_ASSIGN_OR_RETURN(const UniqueFd memory, CopyToMemory(path));
  std::shared_ptr<NetworkDatabase> out(new NetworkDatabase());
  const int error =
      MMDB_open(StrCat("/proc/self/fd/", memory.get()).c_str(), MMDB_MODE_MMAP, &out->database_);
  if (error != MMDB_SUCCESS) {
    return absl::InvalidArgumentError(
        StrCat(EscapeUtf8(path), " is no database in MaxMind's format: ", MMDB_strerror(error)));
  }
  out->is_open_ = true;
  const char* type = out->database_.metadata.database_type;
  if (!Has(type == nullptr ? "" : type, of)) {
    return absl::InvalidArgumentError(
        StrCat(EscapeUtf8(path), " is a database of another kind (\"",
               EscapeUtf8(type == nullptr ? "" : type), "\"), not of ",
               of == Of::kCountries ? "countries" : "autonomous systems"));
  }
  return out;
}

NetworkDatabase::~NetworkDatabase() {
  if (is_open_) MMDB_close(&database_);
}

bool NetworkDatabase::Find(std::string_view address, MMDB_entry_s* entry) const {
  sockaddr_storage storage = {};
  if (address.size() == sizeof(in_addr)) {
    auto* v4 = reinterpret_cast<sockaddr_in*>(&storage);
    v4->sin_family = AF_INET;
    std::memcpy(&v4->sin_addr, address.data(), address.size());
  } else if (address.size() == sizeof(in6_addr)) {
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&storage);
    v6->sin6_family = AF_INET6;
    std::memcpy(&v6->sin6_addr, address.data(), address.size());
  } else {
    return false;
  }
  int error = MMDB_SUCCESS;
  const MMDB_lookup_result_s found =
      MMDB_lookup_sockaddr(&database_, reinterpret_cast<const sockaddr*>(&storage), &error);
  if (error != MMDB_SUCCESS || !found.found_entry) return false;
  *entry = found.entry;
  return true;
}

std::string_view NetworkDatabase::CountryOf(std::string_view address) const {
  MMDB_entry_s entry;
  if (!Find(address, &entry)) return {};
  // Where the address is used; else where its block is registered.
  for (const char* where : {"country", "registered_country"}) {
    MMDB_entry_data_s data = {};
    const int error =
        MMDB_get_value(&entry, &data, where, "iso_code", static_cast<const char*>(nullptr));
    if (error != MMDB_SUCCESS || !data.has_data || data.type != MMDB_DATA_TYPE_UTF8_STRING) {
      continue;
    }
    const std::string_view code(data.utf8_string, data.data_size);
    const bool is_code = code.size() == 2 && std::all_of(code.begin(), code.end(), [](char c) {
                           return c >= 'A' && c <= 'Z';
                         });
    if (is_code) return code;
  }
  return {};
}

uint32_t NetworkDatabase::SystemOf(std::string_view address) const {
  MMDB_entry_s entry;
  if (!Find(address, &entry)) return 0;
  MMDB_entry_data_s data = {};
  const int error =
      MMDB_get_value(&entry, &data, "autonomous_system_number", static_cast<const char*>(nullptr));
  const bool is_number =
      error == MMDB_SUCCESS && data.has_data && data.type == MMDB_DATA_TYPE_UINT32;
  return is_number ? data.uint32 : 0;
}

}  // namespace vakt
