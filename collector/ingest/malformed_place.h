// SPDX-License-Identifier: Apache-2.0
// Where in a node's stream records belong that nobody can read. A stream has no holes, so what lies
// between the record before and the record behind is theirs.
//
// Threads: pure functions.
#ifndef VAKT_COLLECTOR_INGEST_MALFORMED_PLACE_H_
#define VAKT_COLLECTOR_INGEST_MALFORMED_PLACE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "collector/store/malformed.h"
#include "collector/store/record_row.h"

namespace vakt {

// A place in a node's stream, of a run of its agent.
struct StreamPlace {
  std::string boot_id;
  int64_t epoch = 0;
  int64_t seq = 0;
};

// Sequence numbers of one run, both inclusive.
struct StreamHole {
  std::string boot_id;
  int64_t epoch = 0;
  int64_t first = 0;
  int64_t last = 0;
};

// The hole that `count` unreadable records in a row are in. `before`: of the last record before
// them; `behind`: the first number that is not theirs. Nullopt: there is no room for a record, or
// nothing is known of either side.
std::optional<StreamHole> FindHole(int64_t count, const std::optional<StreamPlace>& before,
                                   const std::optional<StreamPlace>& behind);

// The gap that stands for them.
RecordRow MakeMalformedGap(const StreamHole& hole, std::vector<MalformedRecord> records,
                           int64_t now_ns);

}  // namespace vakt

#endif  // VAKT_COLLECTOR_INGEST_MALFORMED_PLACE_H_
