// SPDX-License-Identifier: Apache-2.0
// Stored records as lines: for people, and as JSON for programs.
//
// JSON: {"cursor","node","cluster","received"} and, in the same object, either the keys of Falco's
// JSON (an alert) or one key "gap" or "lifecycle". Threads: pure functions.
#ifndef VAKT_CLI_RECORD_TEXT_H_
#define VAKT_CLI_RECORD_TEXT_H_

#include <string>

#include "cli/console.h"
#include "cli/json.h"
#include "vakt/v1/query.pb.h"

namespace vakt {

Style PriorityStyle(v1::Priority priority);

// "2026-01-31T08:00:00.000000000Z Warning       node-1  <output>"; in the console's colours, safe
// on a terminal, without a newline.
std::string RecordLine(const v1::StoredRecord& stored, const Console& console);

std::string RecordJson(const v1::StoredRecord& stored);
// The same, with the event that matched and where the alert stands in its node's stream.
std::string RecordJsonWithEvidence(const v1::StoredRecord& stored);

// One record as --format asks: human, json or ocsf (as the collector wrote it).
std::string RecordIn(std::string_view format, const v1::StoredRecord& stored,
                     const Console& console);
// "in_progress, true_positive, assigned to alice (revision 3, alice at ...)"
std::string TriageText(const v1::Triage& triage);
std::string TriageChangeText(const v1::TriageChange& change);

}  // namespace vakt

#endif  // VAKT_CLI_RECORD_TEXT_H_
