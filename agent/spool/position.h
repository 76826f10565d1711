// SPDX-License-Identifier: Apache-2.0
// A place in a node's stream of records (vakt.v1.Position as a plain value). Ordered: first by
// epoch (one per run of the agent, increasing), then by sequence number (from 1 within an epoch).
// {0, 0} is before every record.
#ifndef VAKT_AGENT_SPOOL_POSITION_H_
#define VAKT_AGENT_SPOOL_POSITION_H_

#include <compare>
#include <cstdint>

namespace vakt {

struct Position {
  uint64_t epoch = 0;
  uint64_t seq = 0;

  friend auto operator<=>(const Position&, const Position&) = default;
};

}  // namespace vakt

#endif  // VAKT_AGENT_SPOOL_POSITION_H_
