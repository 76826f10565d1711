// SPDX-License-Identifier: Apache-2.0
// A few words that outlive the process (the epoch, the spool's state): one line of text and its
// CRC, replaced in one step. Free functions, thread-compatible per path.
#ifndef VAKT_AGENT_SPOOL_STATE_FILE_H_
#define VAKT_AGENT_SPOOL_STATE_FILE_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/recordlog/file_system.h"

namespace vakt {

// kNotFound: no such file. kDataLoss: not `count` words with their checksum.
absl::StatusOr<std::vector<std::string>> ReadStateFile(FileSystem& file_system,
                                                       const std::string& path, size_t count);

// The words hold no blanks.
absl::Status WriteStateFile(FileSystem& file_system, const std::string& path,
                            const std::vector<std::string>& words, bool durable);

}  // namespace vakt

#endif  // VAKT_AGENT_SPOOL_STATE_FILE_H_
