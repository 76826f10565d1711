// SPDX-License-Identifier: Apache-2.0
// The bytes of a record header, as specified in docs/formats/recordlog.md. Internal to the writer,
// the reader and their tests. Pure functions, thread-safe.
#ifndef VAKT_COMMON_RECORDLOG_RECORD_FORMAT_H_
#define VAKT_COMMON_RECORDLOG_RECORD_FORMAT_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace vakt {

// 0xF5 and 0xFA never occur in UTF-8 text, so text payloads hold no false markers.
inline constexpr std::string_view kRecordMarker = "\xF5VR\xFA";
inline constexpr uint8_t kRecordFormatVersion = 1;
inline constexpr size_t kRecordHeaderBytes = 24;
// Larger than any record Vakt writes; bounds what a reader allocates for a forged length.
inline constexpr size_t kMaxRecordPayloadBytes = 16u << 20;

enum class RecordType : uint8_t {
  kFileHeader = 1,  // the first record of each log
  kPayload = 2,
};

struct RecordHeader {
  uint32_t log_id = 0;  // random, the same in all records of one log
  uint8_t type = 0;     // RecordType, or one that a later version added
  uint16_t flags = 0;
  uint32_t payload_bytes = 0;
  uint32_t payload_crc = 0;  // masked CRC-32C
};

void AppendRecordHeader(const RecordHeader& header, std::string* out);

// nullopt unless `bytes` begins with an intact header (marker, version, checksum, length limit).
std::optional<RecordHeader> ParseRecordHeader(std::string_view bytes);

uint32_t PayloadChecksum(std::string_view payload);

// Little-endian integers, for the payloads of logs as well.
void AppendLittleEndian(uint64_t value, size_t width_bytes, std::string* out);
uint64_t ReadLittleEndian(std::string_view bytes);  // at most 8 bytes

}  // namespace vakt

#endif  // VAKT_COMMON_RECORDLOG_RECORD_FORMAT_H_
