// SPDX-License-Identifier: Apache-2.0
// The flags that say which alerts: --priority, --rule, --node, --text, --gaps, --since, --until.
// Threads: pure function.
#ifndef VAKT_CLI_ALERT_FILTER_H_
#define VAKT_CLI_ALERT_FILTER_H_

#include "absl/time/time.h"
#include "cli/flags.h"
#include "vakt/v1/query.pb.h"

namespace vakt {

v1::Filter FilterFromFlags(const Arguments& arguments, absl::Time now);

}  // namespace vakt

#endif  // VAKT_CLI_ALERT_FILTER_H_
