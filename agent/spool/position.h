// SPDX-License-Identifier: Apache-2.0
// A place in a node's stream of records (vakt.v1.Position as a plain value). Ordered: first by
// epoch (one per run of the agent, increasing), then by sequence number (from 1 within an epoch).
// {0, 0} is before every record.
#ifndef VAKT_AGENT_SPOOL_POSITION_H_
#define VAKT_AGENT_SPOOL_POSITION_H_

#include <compare>
#include <cstdint>
#include <string>

#include "common/recordlog/chain.h"

namespace vakt {

struct Position {
  uint64_t epoch = 0;
  uint64_t seq = 0;

  friend auto operator<=>(const Position&, const Position&) = default;
};

// "1700000000000000/42"
inline std::string ToText(Position position) {
  return std::to_string(position.epoch) + "/" + std::to_string(position.seq);
}

// The chain's state after the record at `position`.
struct ChainPoint {
  Position position;
  ChainHash hash = {};

  friend bool operator==(const ChainPoint&, const ChainPoint&) = default;
};

}  // namespace vakt

#endif  // VAKT_AGENT_SPOOL_POSITION_H_
