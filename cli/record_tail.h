// SPDX-License-Identifier: Apache-2.0
// What "alerts tail" and "flows tail" share: a subscription by the flags of kTailFlags
// (cli/verbs.cc), printed record by record until it is interrupted, and acknowledged for a named
// consumer. Threads: main thread only.
#ifndef VAKT_CLI_RECORD_TAIL_H_
#define VAKT_CLI_RECORD_TAIL_H_

#include <string>

#include "absl/functional/function_ref.h"
#include "cli/verbs.h"
#include "vakt/v1/query.pb.h"

namespace vakt {

// `line` makes a record's line, safe on a terminal; not asked with --format ocsf.
VerbResult TailRecords(const Invocation& invocation, v1::Filter filter,
                       absl::FunctionRef<std::string(const v1::StoredRecord&)> line);

}  // namespace vakt

#endif  // VAKT_CLI_RECORD_TAIL_H_
