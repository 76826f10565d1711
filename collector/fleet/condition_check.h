// SPDX-License-Identifier: Apache-2.0
// Whether a condition of common/fleet/condition_table.h holds for a node, and the alerts that say
// so. Threads: pure functions.
#ifndef VAKT_COLLECTOR_FLEET_CONDITION_CHECK_H_
#define VAKT_COLLECTOR_FLEET_CONDITION_CHECK_H_

#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "collector/fleet/node_state.h"
#include "collector/store/node_key.h"
#include "common/fleet/condition_table.h"

namespace vakt {

// What happens now and then is over when so many heartbeats came without it.
inline constexpr int kQuietHeartbeats = 30;

struct Moment {
  absl::Time steady;    // of the clock of NodeState
  int64_t wall_ns = 0;  // the collector's wall clock
};

// What was seen, in words; empty: it does not hold. `open`: it did until now; some end later than
// they begin.
std::string CheckCondition(ConditionId id, const NodeState& node, const Moment& now, bool open);

// `wall_ns`: when it began or ended.
v1::Alert MakeConditionAlert(const ConditionTableRow& row, const ConditionRow& condition,
                             v1::Condition::State state, int64_t wall_ns);

}  // namespace vakt

#endif  // VAKT_COLLECTOR_FLEET_CONDITION_CHECK_H_
