// SPDX-License-Identifier: Apache-2.0
// Whole-file reading and writing. Errors name the path. Threads: thread-safe.
#ifndef VAKT_COMMON_BASE_FILE_H_
#define VAKT_COMMON_BASE_FILE_H_

#include <sys/types.h>

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace vakt {

// Reads to the end, also from files that report no size (procfs). ResourceExhausted when there are
// more than `max_bytes`.
absl::StatusOr<std::string> ReadFile(std::string_view path, size_t max_bytes = size_t{64} << 20);

// Replaces `path`: after a crash at any point it holds either the old or the new contents. Writes a
// temporary file beside it, syncs, renames, syncs the directory.
absl::Status WriteFileAtomically(std::string_view path, std::string_view contents, mode_t mode);

// Makes the directory and its missing parents with `mode` (less the umask). Existing ones are kept.
absl::Status MakeDirectories(std::string_view path, mode_t mode);

}  // namespace vakt

#endif  // VAKT_COMMON_BASE_FILE_H_
