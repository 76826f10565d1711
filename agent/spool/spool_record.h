// SPDX-License-Identifier: Apache-2.0
// What goes into the spool, and what the spool says about records that it had to give up. Plain
// values. The encoding is specified in docs/formats/spool.md.
#ifndef VAKT_AGENT_SPOOL_SPOOL_RECORD_H_
#define VAKT_AGENT_SPOOL_SPOOL_RECORD_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "agent/spool/position.h"

namespace vakt {

struct OutRecord {
  Position position;
  int priority = 0;   // vakt.v1.Priority: lower is more severe. Gaps and lifecycle notes: 2
  std::string bytes;  // an encoded vakt.v1.Record
};

enum class ShedReason {
  kQuota,     // the spool reached its size limit
  kDiskFull,  // the file system has no space left
  kCorrupt,   // records on disk could not be read back
};

// "spool_quota", "spool_disk_full", "spool_corrupt": the reason of the Gap that reports it.
std::string_view ShedReasonName(ShedReason reason);

// Unacknowledged records that the spool no longer has: `count` of them (positions between may
// belong to no record), from `first` to `last`. Some may be on their way to the collector.
struct ShedRange {
  uint64_t count = 0;
  Position first;
  Position last;
  ShedReason reason = ShedReason::kQuota;
};

// The payload of a record log: position and priority before the record's bytes.
inline constexpr size_t kSpoolRecordPrefixBytes = 17;

void EncodeSpoolRecord(const OutRecord& record, std::string* payload);  // replaces *payload
// False if the payload is too short to be one.
bool DecodeSpoolRecord(std::string_view payload, OutRecord* record);

}  // namespace vakt

#endif  // VAKT_AGENT_SPOOL_SPOOL_RECORD_H_
