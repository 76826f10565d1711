// SPDX-License-Identifier: Apache-2.0
// An alert as one line of Falco's JSON, which falcosidekick and SIEM parsers read unchanged.
//
// Keys: hostname, output, output_fields, priority, rule, source, tags, time and, ours, uid; sorted,
// as are the output fields. `output` begins with time of day (UTC) and priority, as Falco's does;
// output fields are numbers, booleans, strings or null. Threads: pure functions.
#ifndef VAKT_COMMON_ALERT_FALCO_JSON_H_
#define VAKT_COMMON_ALERT_FALCO_JSON_H_

#include <string>

#include "vakt/v1/alert.pb.h"

namespace vakt {

// Appends one line without its newline. The alert may come from anywhere: text that is not UTF-8
// is escaped, never passed on.
void AppendFalcoJson(const v1::Alert& alert, std::string* out);

}  // namespace vakt

#endif  // VAKT_COMMON_ALERT_FALCO_JSON_H_
