// SPDX-License-Identifier: Apache-2.0
// vaktctl version
#include "common/base/version.h"

#include "cli/json.h"
#include "cli/verbs.h"
#include "common/base/strings.h"

namespace vakt {

VerbResult ShowVersion(const Invocation& invocation) {
  invocation.console.Line(invocation.json() ? JsonObject().Add("version", kVersion).Text()
                                            : StrCat("vaktctl ", kVersion));
  return kSuccess;
}

}  // namespace vakt
