// SPDX-License-Identifier: Apache-2.0
#include "common/alert/text.h"

#include "common/alert/alert_time.h"
#include "common/alert/priority.h"
#include "common/base/strings.h"
#include "common/base/text.h"

namespace vakt {

std::string AlertText(const v1::Alert& alert) {
  return StrCat(Rfc3339(alert.time()), " ", PriorityName(alert.priority()), " ",
                EscapeUtf8(alert.rule()), ": ", EscapeUtf8(alert.output()));
}

}  // namespace vakt
