// SPDX-License-Identifier: Apache-2.0
#include "common/recordlog/record_format.h"

#include "common/recordlog/crc32c.h"

namespace vakt {
namespace {

constexpr size_t kLogIdOffset = 4;
constexpr size_t kVersionOffset = 8;
constexpr size_t kTypeOffset = 9;
constexpr size_t kFlagsOffset = 10;
constexpr size_t kPayloadBytesOffset = 12;
constexpr size_t kPayloadCrcOffset = 16;
constexpr size_t kHeaderCrcOffset = 20;

uint32_t HeaderChecksum(std::string_view header) {
  return MaskCrc32c(Crc32c(header.substr(kLogIdOffset, kHeaderCrcOffset - kLogIdOffset)));
}

}  // namespace

void AppendLittleEndian(uint64_t value, size_t width_bytes, std::string* out) {
  for (size_t i = 0; i < width_bytes; ++i) out->push_back(static_cast<char>(value >> (8 * i)));
}

uint64_t ReadLittleEndian(std::string_view bytes) {
  uint64_t value = 0;
  for (size_t i = 0; i < bytes.size(); ++i) {
    value |= static_cast<uint64_t>(static_cast<uint8_t>(bytes[i])) << (8 * i);
  }
  return value;
}

uint32_t PayloadChecksum(std::string_view payload) { return MaskCrc32c(Crc32c(payload)); }

void AppendRecordHeader(const RecordHeader& header, std::string* out) {
  const size_t begin = out->size();
  out->append(kRecordMarker);
  AppendLittleEndian(header.log_id, 4, out);
  AppendLittleEndian(kRecordFormatVersion, 1, out);
  AppendLittleEndian(header.type, 1, out);
  AppendLittleEndian(header.flags, 2, out);
  AppendLittleEndian(header.payload_bytes, 4, out);
  AppendLittleEndian(header.payload_crc, 4, out);
  AppendLittleEndian(HeaderChecksum(std::string_view(*out).substr(begin)), 4, out);
}

std::optional<RecordHeader> ParseRecordHeader(std::string_view bytes) {
  if (bytes.size() < kRecordHeaderBytes || bytes.substr(0, kLogIdOffset) != kRecordMarker) {
    return std::nullopt;
  }
  const auto field = [bytes](size_t offset, size_t width_bytes) {
    return ReadLittleEndian(bytes.substr(offset, width_bytes));
  };
  if (field(kVersionOffset, 1) != kRecordFormatVersion) return std::nullopt;
  if (field(kHeaderCrcOffset, 4) != HeaderChecksum(bytes)) return std::nullopt;
  RecordHeader header;
  header.log_id = static_cast<uint32_t>(field(kLogIdOffset, 4));
  header.type = static_cast<uint8_t>(field(kTypeOffset, 1));
  header.flags = static_cast<uint16_t>(field(kFlagsOffset, 2));
  header.payload_bytes = static_cast<uint32_t>(field(kPayloadBytesOffset, 4));
  header.payload_crc = static_cast<uint32_t>(field(kPayloadCrcOffset, 4));
  if (header.payload_bytes > kMaxRecordPayloadBytes) return std::nullopt;
  return header;
}

}  // namespace vakt
