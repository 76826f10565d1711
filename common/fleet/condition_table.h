// SPDX-License-Identifier: Apache-2.0
// States of a node that should not last, one row each. When one begins an alert says so, and when
// it ends another. `vaktctl nodes`, the metrics and docs/reference/conditions.md come from the
// rows; how each is recognised is in collector/fleet/condition_check.cc.
//
// Threads: the table is constant.
#ifndef VAKT_COMMON_FLEET_CONDITION_TABLE_H_
#define VAKT_COMMON_FLEET_CONDITION_TABLE_H_

#include <cstdint>
#include <string_view>

#include "absl/types/span.h"
#include "vakt/v1/alert.pb.h"

namespace vakt {

enum class ConditionId : uint8_t {
  kSilent,
  kBlind,
  kLosing,
  kDegraded,
  kOldRules,
  kClock,
  kCertificate,
  kMalformed,
  kOverShare,
  kProgram,
};

struct ConditionTableRow {
  ConditionId id;
  std::string_view name;  // in the API, metrics and logs
  std::string_view rule;  // of its alerts
  v1::Priority priority;
  std::string_view begins;  // the threshold, in words
  std::string_view ends;
  std::string_view text;  // what it means and what to do
};

absl::Span<const ConditionTableRow> AllConditions();
// Null when there is none of the name.
const ConditionTableRow* FindCondition(std::string_view name);

}  // namespace vakt

#endif  // VAKT_COMMON_FLEET_CONDITION_TABLE_H_
