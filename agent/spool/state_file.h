// SPDX-License-Identifier: Apache-2.0
// Small numbers that outlive the process (the epoch, the acknowledged position): one line of
// decimal numbers and their CRC, replaced in one step. Free functions, thread-compatible per path.
#ifndef VAKT_AGENT_SPOOL_STATE_FILE_H_
#define VAKT_AGENT_SPOOL_STATE_FILE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "common/recordlog/file_system.h"

namespace vakt {

// kNotFound: no such file. kDataLoss: not `count` numbers with their checksum, for example because
// of a power loss during a write that was not to be durable.
absl::StatusOr<std::vector<uint64_t>> ReadStateFile(FileSystem& file_system,
                                                    const std::string& path, size_t count);

absl::Status WriteStateFile(FileSystem& file_system, const std::string& path,
                            absl::Span<const uint64_t> numbers, bool durable);

}  // namespace vakt

#endif  // VAKT_AGENT_SPOOL_STATE_FILE_H_
