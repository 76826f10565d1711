// SPDX-License-Identifier: Apache-2.0
// Country or autonomous system of an address, from a file in MaxMind's format (MMDB 2.0) that the
// operator supplies: GeoLite2, GeoIP2, DB-IP.
//
// The file is copied into memory of the agent's own: libmaxminddb maps what it opens, and a mapped
// file that somebody cuts short would kill the agent. So it costs its size, twice while it is
// exchanged; larger ones than kMaxFileBytes (of cities, say) are refused.
//
// Ownership: owns the memory; the texts that it gives out live as long. Threads: immutable,
// thread-safe.
#ifndef VAKT_AGENT_FLOW_NETWORK_DATABASE_H_
#define VAKT_AGENT_FLOW_NETWORK_DATABASE_H_

#include <maxminddb.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace vakt {

class NetworkDatabase {
 public:
  enum class Of { kCountries, kSystems };

  static constexpr size_t kMaxFileBytes = size_t{32} << 20;

  // An error with the path: the file is not there, too large, not such a database, or one of
  // something else.
  static absl::StatusOr<std::shared_ptr<const NetworkDatabase>> Open(const std::string& path,
                                                                     Of of);
  ~NetworkDatabase();
  NetworkDatabase(const NetworkDatabase&) = delete;
  NetworkDatabase& operator=(const NetworkDatabase&) = delete;

  // Of 4 or 16 bytes in network order. ISO 3166, "SE"; empty: not known.
  std::string_view CountryOf(std::string_view address) const;
  uint32_t SystemOf(std::string_view address) const;  // RFC 6793: 32 bits; 0: not known

 private:
  NetworkDatabase() = default;
  // False: the address is not there, or the database is damaged at that place.
  bool Find(std::string_view address, MMDB_entry_s* entry) const;

  mutable MMDB_s database_ = {};  // the library's functions take it without const
  bool is_open_ = false;
};

}  // namespace vakt

#endif  // VAKT_AGENT_FLOW_NETWORK_DATABASE_H_
