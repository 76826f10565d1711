// SPDX-License-Identifier: Apache-2.0
// A copy of the store as of one moment, made while it is in use.
// Threads: thread-safe; blocks until the copy is on the disk.
#ifndef VAKT_COLLECTOR_STORE_BACKUP_H_
#define VAKT_COLLECTOR_STORE_BACKUP_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "collector/store/sqlite.h"

namespace vakt {

struct BackupResult {
  std::string path;
  uint64_t bytes = 0;
  uint64_t records = 0;
};

// Copies the database `from` to `directory`/`name`.db, which appears when it is complete, checked
// and synced. ALREADY_EXISTS; RESOURCE_EXHAUSTED when the disk is full.
absl::StatusOr<BackupResult> BackupDatabase(const std::string& from, const std::string& directory,
                                            const std::string& name);

// OK, or DATA_LOSS that says what is damaged in the database at `path`.
absl::Status CheckIntegrity(Database& database, const std::string& path);

}  // namespace vakt

#endif  // VAKT_COLLECTOR_STORE_BACKUP_H_
