// SPDX-License-Identifier: Apache-2.0
#include "agent/uplink/batch_encoder.h"

#include <cstddef>
#include <cstdint>

#include "vakt/v1/ingest.pb.h"

namespace vakt {
namespace {

// Protobuf wire format: a field is its number and wire type 2 (length-delimited) in one byte, then
// the length as a varint.
constexpr char LengthDelimitedTag(int field_number) {
  return static_cast<char>(field_number << 3 | 2);
}

constexpr char kBatchTag = LengthDelimitedTag(v1::AgentMessage::kBatchFieldNumber);
constexpr char kRecordTag = LengthDelimitedTag(v1::Batch::kRecordsFieldNumber);
constexpr char kChainBeforeTag = LengthDelimitedTag(v1::Batch::kChainBeforeFieldNumber);
constexpr char kChainAfterTag = LengthDelimitedTag(v1::Batch::kChainAfterFieldNumber);
constexpr char kLastTag = LengthDelimitedTag(v1::Batch::kLastFieldNumber);
constexpr size_t kHashFieldBytes = 2 + kChainHashBytes;

size_t VarintBytes(uint64_t value) {
  size_t bytes = 1;
  for (; value >= 0x80; value >>= 7) ++bytes;
  return bytes;
}

void AppendVarint(uint64_t value, std::string* out) {
  for (; value >= 0x80; value >>= 7) out->push_back(static_cast<char>(value | 0x80));
  out->push_back(static_cast<char>(value));
}

void AppendHash(char tag, const ChainHash& hash, std::string* out) {
  out->push_back(tag);
  AppendVarint(kChainHashBytes, out);
  out->append(AsBytes(hash));
}

std::string EncodePosition(const Position& position) {
  v1::Position encoded;
  encoded.set_epoch(position.epoch);
  encoded.set_seq(position.seq);
  return encoded.SerializeAsString();
}

}  // namespace

std::string EncodeBatch(absl::Span<const OutRecord> records, const ChainSpan& chain) {
  const std::string last = records.empty() ? "" : EncodePosition(records.back().position);
  size_t batch_bytes = kHashFieldBytes + (chain.before ? kHashFieldBytes : 0) + 2 + last.size();
  for (const OutRecord& record : records) {
    batch_bytes += 1 + VarintBytes(record.bytes.size()) + record.bytes.size();
  }
  std::string message;
  message.reserve(1 + VarintBytes(batch_bytes) + batch_bytes);
  message.push_back(kBatchTag);
  AppendVarint(batch_bytes, &message);
  for (const OutRecord& record : records) {
    message.push_back(kRecordTag);
    AppendVarint(record.bytes.size(), &message);
    message.append(record.bytes);
  }
  if (chain.before) AppendHash(kChainBeforeTag, *chain.before, &message);
  AppendHash(kChainAfterTag, chain.after, &message);
  message.push_back(kLastTag);
  AppendVarint(last.size(), &message);  // two varints: never more than one byte of length
  message.append(last);
  return message;
}

}  // namespace vakt
