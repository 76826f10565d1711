// SPDX-License-Identifier: Apache-2.0
// Status macros and errno conversion. Threads: thread-safe.
//
//   absl::StatusOr<int> Twice(std::string_view path) {
//     VAKT_ASSIGN_OR_RETURN(std::string text, ReadFile(path));
//     VAKT_RETURN_IF_ERROR(Check(text));
//     ...
#ifndef VAKT_COMMON_BASE_STATUS_H_
#define VAKT_COMMON_BASE_STATUS_H_

#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace vakt {

// "<what>: No such file or directory", with the code that belongs to `err` (a value of errno).
// Take errno before anything else can change it; `what` names the act and its object.
absl::Status ErrnoStatus(int err, std::string_view what);

// The status's message; a view into it. (absl::Status speaks absl::string_view.)
inline std::string_view Message(const absl::Status& status) {
  return {status.message().data(), status.message().size()};
}

}  // namespace vakt

#define VAKT_RETURN_IF_ERROR(expr)                                \
  do {                                                            \
    if (absl::Status vakt_status_ = (expr); !vakt_status_.ok()) { \
      return vakt_status_;                                        \
    }                                                             \
  } while (false)

#define VAKT_STATUS_CONCAT_INNER(a, b) a##b
#define VAKT_STATUS_CONCAT(a, b) VAKT_STATUS_CONCAT_INNER(a, b)
#define VAKT_ASSIGN_OR_RETURN(lhs, expr) \
  VAKT_ASSIGN_OR_RETURN_INNER(VAKT_STATUS_CONCAT(vakt_status_or_, __LINE__), lhs, expr)
#define VAKT_ASSIGN_OR_RETURN_INNER(result, lhs, expr) \
  auto result = (expr);                                \
  if (!result.ok()) {                                  \
    return std::move(result).status();                 \
  }                                                    \
  lhs = *std::move(result)

#endif  // VAKT_COMMON_BASE_STATUS_H_
