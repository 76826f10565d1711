// SPDX-License-Identifier: Apache-2.0
// Reads a whole spool directory, changes nothing, and says what it holds, what is missing of it and
// where its chain does not hold: the agent's recovery and `vaktctl spool verify` are this scan.
//
// Free functions. The files' bytes are untrusted.
#ifndef VAKT_AGENT_SPOOL_SPOOL_SCAN_H_
#define VAKT_AGENT_SPOOL_SPOOL_SCAN_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/spool/position.h"
#include "agent/spool/segment.h"
#include "agent/spool/segment_reader.h"
#include "agent/spool/spool_state.h"
#include "common/recordlog/file_system.h"

namespace vakt {

// Something that is not as it should be, or (kNote) that a crash leaves behind and costs nothing.
struct SpoolFinding {
  enum class Kind {
    kNote,
    kUnreadable,  // a file or a place in it is damaged
    kMissing,     // records that were durable are not there
    kAltered,     // a record is not the one that the chain goes on from
    kOutOfOrder,  // a segment does not belong where it is
    kState,       // the state file is missing, damaged or contradicts the segments
  };
  Kind kind = Kind::kNote;
  std::string segment;  // file name; empty: the directory
  uint64_t offset = 0;
  Position position;   // the first that is concerned
  uint64_t count = 0;  // records that are missing
  std::string text;
};

std::string_view SpoolFindingName(SpoolFinding::Kind kind);

struct SpoolScan {
  std::vector<Segment> segments;        // in the order of the stream
  std::vector<SegmentName> leftovers;   // files without a record that counts
  std::vector<SegmentName> unreadable;  // files without a single intact record
  std::vector<DamagedBytes> damage;     // but torn tails
  std::vector<SpoolFinding> findings;   // notes too
  std::optional<SpoolState> state;
  ChainPoint end;  // of the chain
  uint64_t next_number = 1;
  uint64_t records = 0;
  uint64_t tombstones = 0;

  bool intact() const;
  uint64_t missing() const;  // records, over all findings
};

// Errors only if the directory itself cannot be read.
absl::StatusOr<SpoolScan> ScanSpool(FileSystem& file_system, const std::string& dir);

// Holds the scan against what somebody else knows, usually the collector: that the stream came to
// `position` at least, with this hash there if it is known. Nothing in the directory itself tells a
// spool that was set back to an older copy of all of it.
void CheckWitness(FileSystem& file_system, const std::string& dir, Position position,
                  const std::optional<ChainHash>& hash, SpoolScan* scan);

}  // namespace vakt

#endif  // VAKT_AGENT_SPOOL_SPOOL_SCAN_H_
