// SPDX-License-Identifier: Apache-2.0
// Where damaged parts of the spool are put aside, for an expert to look at: <dir>/quarantine, at
// most 64 files. Free functions, thread-compatible per directory.
#ifndef VAKT_AGENT_SPOOL_QUARANTINE_H_
#define VAKT_AGENT_SPOOL_QUARANTINE_H_

#include <string>

#include "absl/status/status.h"
#include "agent/spool/segment.h"
#include "agent/spool/segment_reader.h"
#include "common/recordlog/file_system.h"

namespace vakt {

// Moves a whole segment there; deletes it if there is no room left.
absl::Status QuarantineSegment(FileSystem& file_system, const std::string& dir, SegmentName name);

// Copies damaged bytes of a segment, at most the first MiB of them, to <segment>-<offset>. No error
// if they are there already or there is no room left.
absl::Status QuarantineBytes(FileSystem& file_system, const std::string& dir,
                             const DamagedBytes& damage);

}  // namespace vakt

#endif  // VAKT_AGENT_SPOOL_QUARANTINE_H_
