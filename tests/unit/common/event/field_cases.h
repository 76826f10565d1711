// SPDX-License-Identifier: Apache-2.0
// What each row of the field table yields for the events of a World.
#ifndef VAKT_TESTS_UNIT_COMMON_EVENT_FIELD_CASES_H_
#define VAKT_TESTS_UNIT_COMMON_EVENT_FIELD_CASES_H_

#include <vector>

#include "absl/types/span.h"
#include "common/event/event.h"
#include "tests/unit/common/event/world.h"

namespace vakt {

struct FieldCase {
  const char* field;
  const char* arg;  // null: none
  Event World::*event;
  const char* expected;  // values joined by '|'; null: no value
};

std::vector<FieldCase> AllFieldCases();
// Of them those of flows and of name servers' answers (flow_field_cases.cc).
absl::Span<const FieldCase> FlowFieldCases();

// Of fields that are the same for every event, which a second case cannot tell apart.
std::vector<FieldCase> ConstantFieldCases();

}  // namespace vakt

#endif  // VAKT_TESTS_UNIT_COMMON_EVENT_FIELD_CASES_H_
