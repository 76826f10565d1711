// SPDX-License-Identifier: Apache-2.0
// The form in which a caller asked for records. Threads: thread-safe.
#ifndef VAKT_COLLECTOR_QUERY_FORMAT_H_
#define VAKT_COLLECTOR_QUERY_FORMAT_H_

#include "vakt/v1/query.pb.h"

namespace vakt {

// FORMAT_OCSF: puts ocsf_json in the place of the record.
void InFormat(v1::Format format, v1::StoredRecord* record);

}  // namespace vakt

#endif  // VAKT_COLLECTOR_QUERY_FORMAT_H_
