// SPDX-License-Identifier: Apache-2.0
// What a spool directory holds after whatever ended the last run: reads every segment once, indexes
// its intact records and puts damage aside in <dir>/quarantine. Free functions; call before any
// other use of the directory.
#ifndef VAKT_AGENT_SPOOL_SEGMENT_RECOVERY_H_
#define VAKT_AGENT_SPOOL_SEGMENT_RECOVERY_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "agent/spool/segment_index.h"
#include "agent/spool/spool_record.h"
#include "common/recordlog/file_system.h"

namespace vakt {

struct Segment {
  uint64_t number = 0;     // rises with every segment of a directory
  SegmentIndex index;      // durable records only
  uint64_t end_bytes = 0;  // where the last durable record ends
};

std::string SegmentPath(const std::string& dir, uint64_t number);

// Moves a segment to <dir>/quarantine, for an expert to look at. At most 64 files are kept there;
// beyond that the segment is deleted.
absl::Status QuarantineSegment(FileSystem& file_system, const std::string& dir, uint64_t number);

struct RecoveredSpool {
  std::vector<Segment> segments;  // by number; positions rise over all of them
  std::vector<ShedRange> lost;    // durable records that damage has cost
  uint64_t next_number = 1;
  uint64_t corrupt = 0;      // damaged places
  uint64_t quarantined = 0;  // segments without a readable record
};

// Errors only if the directory itself cannot be used.
absl::StatusOr<RecoveredSpool> RecoverSpool(FileSystem& file_system, const std::string& dir);

}  // namespace vakt

#endif  // VAKT_AGENT_SPOOL_SEGMENT_RECOVERY_H_
