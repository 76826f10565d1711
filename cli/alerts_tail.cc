// SPDX-License-Identifier: Apache-2.0
// vaktctl alerts tail
#include "absl/time/clock.h"
#include "cli/alert_filter.h"
#include "cli/record_tail.h"
#include "cli/record_text.h"
#include "cli/verbs.h"

namespace vakt {

VerbResult AlertsTail(const Invocation& invocation) {
  return TailRecords(invocation, FilterFromFlags(invocation.arguments, absl::Now()),
                     [&](const v1::StoredRecord& stored) {
                       return RecordIn(invocation.format, stored, invocation.console);
                     });
}

}  // namespace vakt
