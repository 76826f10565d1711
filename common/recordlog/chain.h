// SPDX-License-Identifier: Apache-2.0
// The hash chain over a stream of records: each record's hash covers that of the record before it,
// so whoever knows one hash knows everything before it. docs/formats/spool.md specifies it; the
// agent's spool makes it, the collector and `vaktctl spool verify` check it.
//
// Pure functions, thread-safe.
#ifndef VAKT_COMMON_RECORDLOG_CHAIN_H_
#define VAKT_COMMON_RECORDLOG_CHAIN_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/sha256.h"

namespace vakt {

inline constexpr size_t kChainHashBytes = kSha256Bytes;

// All zero: nothing precedes.
using ChainHash = Sha256Hash;

// One link: SHA-256 of the hash before, epoch and sequence number (8 bytes each, little-endian),
// the class (1 byte), the record's bytes.
struct ChainedRecord {
  uint64_t epoch = 0;
  uint64_t seq = 0;
  uint8_t record_class = 0;  // an alert's priority; kFlowClass; kNoteClass
  std::string_view bytes;
};

// Of flow records: less severe than any alert.
inline constexpr uint8_t kFlowClass = 8;
// Of gaps and lifecycle notes: after all alerts in any order by severity.
inline constexpr uint8_t kNoteClass = 255;

ChainHash NextChainHash(const ChainHash& before, const ChainedRecord& record);

std::string_view AsBytes(const ChainHash& hash);
// nullopt unless `bytes` has 32 of them.
std::optional<ChainHash> ChainHashFromBytes(std::string_view bytes);

}  // namespace vakt

#endif  // VAKT_COMMON_RECORDLOG_CHAIN_H_
