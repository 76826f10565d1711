// SPDX-License-Identifier: Apache-2.0
// Makes room: writes adjacent segments again as one, without what is acknowledged, without the
// records that are given up (tombstones in their place), and with neighbouring tombstones merged.
//
// The new file is complete and durable before it has its name, so a crash leaves the old ones or
// both, and recovery takes the new one. A free function; the caller removes the old files.
#ifndef VAKT_AGENT_SPOOL_SEGMENT_REWRITER_H_
#define VAKT_AGENT_SPOOL_SEGMENT_REWRITER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/spool/position.h"
#include "agent/spool/segment.h"
#include "agent/spool/spool_record.h"
#include "common/recordlog/file_system.h"

namespace vakt {

struct RewriteOrder {
  std::vector<Segment> inputs;  // adjacent, in the order of the stream
  Position acknowledged;
  std::optional<size_t> shed_rank;  // of the records to give up; none: only merge tombstones
  LossReason reason = LossReason::kQuota;
  uint64_t epoch = 0;  // of this run
};

struct Rewritten {
  Segment segment;    // without records: everything was acknowledged, and there is no file
  uint64_t shed = 0;  // records given up
};

// `codec` may be null: tombstones then lack what only it knows.
absl::StatusOr<Rewritten> RewriteSegments(FileSystem& file_system, const std::string& dir,
                                          const RewriteOrder& order, const RecordCodec* codec);

}  // namespace vakt

#endif  // VAKT_AGENT_SPOOL_SEGMENT_REWRITER_H_
