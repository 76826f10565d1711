// SPDX-License-Identifier: Apache-2.0
// What goes into the spool and what comes out of it: records, and tombstones in the place of
// records that are gone. Plain values. The encoding is specified in docs/formats/spool.md.
#ifndef VAKT_AGENT_SPOOL_SPOOL_RECORD_H_
#define VAKT_AGENT_SPOOL_SPOOL_RECORD_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "agent/spool/position.h"
#include "common/recordlog/chain.h"

namespace vakt {

// Of gaps and lifecycle notes, in the place of an alert's priority: given up last.
inline constexpr int kNotePriority = kNoteClass;
// Of flow records: given up first.
inline constexpr int kFlowPriority = kFlowClass;

struct OutRecord {
  Position position;
  int priority = 0;   // vakt.v1.Priority, lower is more severe; or kFlowPriority, kNotePriority
  std::string bytes;  // an encoded vakt.v1.Record
};

enum class LossReason : uint8_t {
  kQuota = 1,     // the spool reached its size limit
  kDiskFull = 2,  // the file system has no space left
  kCorrupt = 3,   // records on disk could not be read back
};

// "spool_quota", "spool_disk_full", "spool_corrupt": the reason of the Gap that reports it.
std::string_view LossReasonName(LossReason reason);

// Stands for records of one epoch that the spool no longer has, from `first` to `last`.
struct Tombstone {
  Position first;
  Position last;
  uint64_t count = 0;                       // how many records these were
  std::map<uint8_t, uint64_t> by_priority;  // of which priorities; empty: unknown
  LossReason reason = LossReason::kQuota;
  std::string boot_id;        // of their epoch
  int64_t begin_wall_ns = 0;  // of the first and the last of them; 0: unknown
  int64_t end_wall_ns = 0;

  friend bool operator==(const Tombstone&, const Tombstone&) = default;
};

// Knows what records mean, which the spool does not. Thread-safe.
class RecordCodec {
 public:
  struct Facts {
    std::string boot_id;
    int64_t wall_ns = 0;  // when it happened
  };

  virtual ~RecordCodec() = default;
  virtual Facts Describe(std::string_view bytes) const = 0;
  // The record that tells the collector, to be sent in the place of what is gone.
  virtual std::string Encode(const Tombstone& tombstone, const ChainHash& after) const = 0;
};

// A record as it lies in the spool, linked to what precedes it.
struct StoredRecord {
  OutRecord record;       // of a tombstone: its last position, no bytes
  ChainHash before = {};  // the chain up to this record
  std::optional<Tombstone> tombstone;
  ChainHash tombstone_after = {};  // the chain's state after the last of the records that are gone

  Position first() const { return tombstone ? tombstone->first : record.position; }
  Position last() const { return record.position; }
  ChainHash after() const;
};

StoredRecord MakeStoredTombstone(Tombstone tombstone, const ChainHash& before,
                                 const ChainHash& after);

// The payload of a record log. Replaces *payload.
void EncodeSpoolRecord(const OutRecord& record, const ChainHash& before, std::string* payload);
void EncodeSpoolRecord(const StoredRecord& stored, std::string* payload);
// False if the payload is none, or a tombstone that was altered.
bool DecodeSpoolRecord(std::string_view payload, StoredRecord* stored);

// How many bytes a record takes in a payload beside its own.
inline constexpr size_t kSpoolRecordPrefixBytes = 2 + 16 + kChainHashBytes;

// The payload of a segment's file header.
struct SegmentHeader {
  uint64_t number = 0;
  uint64_t epoch = 0;  // of the run that wrote it
  ChainPoint begin;    // what precedes its first record
};

std::string EncodeSegmentHeader(const SegmentHeader& header);
std::optional<SegmentHeader> DecodeSegmentHeader(std::string_view bytes);

}  // namespace vakt

#endif  // VAKT_AGENT_SPOOL_SPOOL_RECORD_H_
