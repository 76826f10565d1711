// SPDX-License-Identifier: Apache-2.0
#include "common/base/status.h"

#include <system_error>

#include "common/base/strings.h"

namespace vakt {

absl::Status ErrnoStatus(int err, std::string_view what) {
  return absl::Status(absl::ErrnoToStatusCode(err),
                      StrCat(what, ": ", std::generic_category().message(err)));
}

}  // namespace vakt
