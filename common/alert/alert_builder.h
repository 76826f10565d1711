// SPDX-License-Identifier: Apache-2.0
// An event that matched a rule becomes an alert: the message, its fields, and the event as
// evidence.
//
// Threads: thread-compatible; the Extractor is scratch space of the caller (the pipeline thread).
#ifndef VAKT_COMMON_ALERT_ALERT_BUILDER_H_
#define VAKT_COMMON_ALERT_ALERT_BUILDER_H_

#include <cstdint>

#include "common/event/event.h"
#include "common/event/field_table.h"
#include "common/event/node_facts.h"
#include "common/rulelang/rule_set.h"
#include "vakt/v1/alert.pb.h"

namespace vakt {

// Overwrites all of `out` but rule_set_hash, which is the caller's to set. `alert_number` is unique
// within the node's epoch. As in Falco, six fields that say which container and pod it was are
// given with every alert, and are appended to the message where the rule's output lacks them.
void BuildAlert(const Event& event, const Rule& rule, const NodeFacts& node, uint64_t alert_number,
                Extractor& scratch, v1::Alert* out);

}  // namespace vakt

#endif  // VAKT_COMMON_ALERT_ALERT_BUILDER_H_
