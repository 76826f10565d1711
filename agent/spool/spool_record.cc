// SPDX-License-Identifier: Apache-2.0
#include "agent/spool/spool_record.h"

#include <utility>

#include "common/recordlog/record_format.h"

namespace vakt {
namespace {

constexpr uint8_t kRecordKind = 1;
constexpr uint8_t kTombstoneKind = 2;
constexpr uint8_t kSegmentFormat = 2;
constexpr size_t kMaxBootIdBytes = 255;
constexpr size_t kSegmentHeaderBytes = 1 + 8 + 8 + 16 + 2 * kChainHashBytes;

// Takes values off the front of a payload; ok() turns false when there were too few bytes.
class Taker {
 public:
  explicit Taker(std::string_view bytes) : bytes_(bytes) {}
  bool ok() const { return ok_; }
  std::string_view rest() const { return bytes_; }

  std::string_view Bytes(size_t size) {
    ok_ = ok_ && bytes_.size() >= size;
    if (!ok_) return {};
    const std::string_view taken = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return taken;
  }
  uint64_t Integer(size_t width_bytes) { return ReadLittleEndian(Bytes(width_bytes)); }
  Position TakePosition() {
    const uint64_t epoch = Integer(8);
    return {epoch, Integer(8)};
  }
  ChainHash Hash() { return ChainHashFromBytes(Bytes(kChainHashBytes)).value_or(ChainHash{}); }

 private:
  std::string_view bytes_;
  bool ok_ = true;
};

void AppendPosition(Position position, std::string* out) {
  AppendLittleEndian(position.epoch, 8, out);
  AppendLittleEndian(position.seq, 8, out);
}

void AppendPrefix(uint8_t kind, const OutRecord& record, const ChainHash& before,
                  std::string* payload) {
  payload->clear();
  AppendLittleEndian(kind, 1, payload);
  AppendLittleEndian(static_cast<uint8_t>(record.priority), 1, payload);
  AppendPosition(record.position, payload);
  payload->append(AsBytes(before));
}

void AppendTombstone(const Tombstone& tombstone, const ChainHash& after, std::string* payload) {
  AppendLittleEndian(tombstone.first.seq, 8, payload);
  AppendLittleEndian(tombstone.count, 8, payload);
  AppendLittleEndian(static_cast<uint8_t>(tombstone.reason), 1, payload);
  AppendLittleEndian(static_cast<uint64_t>(tombstone.begin_wall_ns), 8, payload);
  AppendLittleEndian(static_cast<uint64_t>(tombstone.end_wall_ns), 8, payload);
  payload->append(AsBytes(after));
  AppendLittleEndian(tombstone.by_priority.size(), 2, payload);
  for (const auto& [priority, count] : tombstone.by_priority) {
    AppendLittleEndian(priority, 1, payload);
    AppendLittleEndian(count, 8, payload);
  }
  const std::string_view boot_id = std::string_view(tombstone.boot_id).substr(0, kMaxBootIdBytes);
  AppendLittleEndian(boot_id.size(), 1, payload);
  payload->append(boot_id);
  payload->append(AsBytes(Sha256(*payload)));
}

bool TakeTombstone(std::string_view payload, Taker& taker, StoredRecord* stored) {
  Tombstone tombstone;
  tombstone.last = stored->record.position;
  tombstone.first = {tombstone.last.epoch, taker.Integer(8)};
  tombstone.count = taker.Integer(8);
  tombstone.reason = static_cast<LossReason>(taker.Integer(1));
  tombstone.begin_wall_ns = static_cast<int64_t>(taker.Integer(8));
  tombstone.end_wall_ns = static_cast<int64_t>(taker.Integer(8));
  stored->tombstone_after = taker.Hash();
  const uint64_t priorities = taker.Integer(2);
  for (uint64_t i = 0; i < priorities && taker.ok(); ++i) {
    const auto priority = static_cast<uint8_t>(taker.Integer(1));
    tombstone.by_priority[priority] = taker.Integer(8);
  }
  tombstone.boot_id = taker.Bytes(taker.Integer(1));
  const std::string_view sealed = payload.substr(0, payload.size() - taker.rest().size());
  const ChainHash seal = taker.Hash();
  if (!taker.ok() || !taker.rest().empty() || seal != Sha256(sealed)) return false;
  if (tombstone.first > tombstone.last) return false;
  stored->tombstone = std::move(tombstone);
  return true;
}

}  // namespace

std::string_view LossReasonName(LossReason reason) {
  switch (reason) {
    case LossReason::kQuota:
      return "spool_quota";
    case LossReason::kDiskFull:
      return "spool_disk_full";
    case LossReason::kCorrupt:
      return "spool_corrupt";
  }
  return "spool";
}

ChainHash StoredRecord::after() const {
  if (tombstone) return tombstone_after;
  return NextChainHash(before, {record.position.epoch, record.position.seq,
                                static_cast<uint8_t>(record.priority), record.bytes});
}

StoredRecord MakeStoredTombstone(Tombstone tombstone, const ChainHash& before,
                                 const ChainHash& after) {
  StoredRecord stored;
  stored.record = {tombstone.last, kNotePriority, ""};
  stored.before = before;
  stored.tombstone = std::move(tombstone);
  stored.tombstone_after = after;
  return stored;
}

void EncodeSpoolRecord(const OutRecord& record, const ChainHash& before, std::string* payload) {
  AppendPrefix(kRecordKind, record, before, payload);
  payload->append(record.bytes);
}

void EncodeSpoolRecord(const StoredRecord& stored, std::string* payload) {
  if (!stored.tombstone) return EncodeSpoolRecord(stored.record, stored.before, payload);
  AppendPrefix(kTombstoneKind, stored.record, stored.before, payload);
  AppendTombstone(*stored.tombstone, stored.tombstone_after, payload);
}

bool DecodeSpoolRecord(std::string_view payload, StoredRecord* stored) {
  Taker taker(payload);
  const uint64_t kind = taker.Integer(1);
  stored->record.priority = static_cast<int>(taker.Integer(1));
  stored->record.position = taker.TakePosition();
  stored->before = taker.Hash();
  stored->record.bytes.clear();
  stored->tombstone.reset();
  if (!taker.ok()) return false;
  if (kind == kTombstoneKind) return TakeTombstone(payload, taker, stored);
  stored->record.bytes = taker.rest();
  return kind == kRecordKind;
}

std::string EncodeSegmentHeader(const SegmentHeader& header) {
  std::string bytes;
  AppendLittleEndian(kSegmentFormat, 1, &bytes);
  AppendLittleEndian(header.number, 8, &bytes);
  AppendLittleEndian(header.epoch, 8, &bytes);
  AppendPosition(header.begin.position, &bytes);
  bytes.append(AsBytes(header.begin.hash));
  bytes.append(AsBytes(Sha256(bytes)));
  return bytes;
}

std::optional<SegmentHeader> DecodeSegmentHeader(std::string_view bytes) {
  if (bytes.size() != kSegmentHeaderBytes) return std::nullopt;
  Taker taker(bytes);
  if (taker.Integer(1) != kSegmentFormat) return std::nullopt;
  SegmentHeader header;
  header.number = taker.Integer(8);
  header.epoch = taker.Integer(8);
  header.begin.position = taker.TakePosition();
  header.begin.hash = taker.Hash();
  const std::string_view sealed = bytes.substr(0, bytes.size() - kChainHashBytes);
  if (taker.Hash() != Sha256(sealed)) return std::nullopt;
  return header;
}

}  // namespace vakt
