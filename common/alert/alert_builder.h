// SPDX-License-Identifier: Apache-2.0
// An event that matched a rule becomes an alert: the message, its fields, and the event as
// evidence.
//
// Threads: thread-compatible; the Extractor is scratch space of the caller (the pipeline thread).
#ifndef VAKT_COMMON_ALERT_ALERT_BUILDER_H_
#define VAKT_COMMON_ALERT_ALERT_BUILDER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

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

// Values of the fields of a rule's `by`, in their order; nullopt for null.
using KeyValues = std::vector<std::optional<std::string>>;

// Adds to a built alert what its rule's correlate waited for.
void AddCorrelation(const Rule& rule, uint64_t count, int64_t begin_wall_ns,
                    const KeyValues& values, v1::Alert* out);

// An alert that stands for `count` others, which the rule's throttle held back: the rule's name,
// priority and tags, the time of the end, and no event. As BuildAlert otherwise.
void BuildSummary(const Rule& rule, const NodeFacts& node, uint64_t alert_number, uint64_t count,
                  int64_t begin_wall_ns, int64_t end_wall_ns, const KeyValues& values,
                  v1::Alert* out);

}  // namespace vakt

#endif  // VAKT_COMMON_ALERT_ALERT_BUILDER_H_
