// SPDX-License-Identifier: Apache-2.0
// Stored records as objects of the Open Cybersecurity Schema Framework, which SIEMs and security
// lakes read without a mapping of their own (schema.ocsf.io, release 1.8.0).
//
//   alert      Detection Finding (2004): Create, or Update and Close once people have worked on it
//   flow       Network Activity (4001): Traffic, Refuse, Fail, Reset, Close or Listen
//   gap, note  Base Event (0), with what it is in `unmapped`
//
// What the schema has no place for is in `unmapped`: output fields by their names, tags, controls.
// The text is one line, keys in the order of this file. Threads: pure functions.
#ifndef VAKT_COMMON_ALERT_OCSF_JSON_H_
#define VAKT_COMMON_ALERT_OCSF_JSON_H_

#include <string>
#include <string_view>

#include "vakt/v1/query.pb.h"

namespace vakt {

inline constexpr std::string_view kOcsfVersion = "1.8.0";

// Appends one object. The record may come from anywhere: text that is not UTF-8 is escaped.
void AppendOcsfJson(const v1::StoredRecord& stored, std::string* out);

}  // namespace vakt

#endif  // VAKT_COMMON_ALERT_OCSF_JSON_H_
