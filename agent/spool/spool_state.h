// SPDX-License-Identifier: Apache-2.0
// What a spool directory knows beside its segments: how far the collector has everything, and how
// far the chain has come. The second is what a shortened spool is held against. Plain values.
#ifndef VAKT_AGENT_SPOOL_SPOOL_STATE_H_
#define VAKT_AGENT_SPOOL_SPOOL_STATE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "agent/spool/position.h"
#include "common/recordlog/file_system.h"

namespace vakt {

struct SpoolState {
  Position acknowledged;  // the collector has everything up to here
  ChainPoint head;        // durable up to here, at least
  bool closed = false;    // and not beyond: the last run ended in good order
};

// kNotFound: no such file. kDataLoss: damaged.
absl::StatusOr<SpoolState> ReadSpoolState(FileSystem& file_system, const std::string& dir);
// Durable once it returns.
absl::Status WriteSpoolState(FileSystem& file_system, const std::string& dir,
                             const SpoolState& state);

}  // namespace vakt

#endif  // VAKT_AGENT_SPOOL_SPOOL_STATE_H_
