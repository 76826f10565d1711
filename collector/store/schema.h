// SPDX-License-Identifier: Apache-2.0
// The store's tables, and the steps that bring an older store up to date.
// Threads: as the Database that is passed.
#ifndef VAKT_COLLECTOR_STORE_SCHEMA_H_
#define VAKT_COLLECTOR_STORE_SCHEMA_H_

#include <cstdint>

#include "absl/status/status.h"
#include "collector/store/sqlite.h"

namespace vakt {

// Consecutive record ids share a row of table `span`: id >> kSpanShift. 4,096 ids are scanned in
// about a millisecond, and a store of 100 million records has 25,000 spans.
inline constexpr int kSpanShift = 12;

// Applies the steps that the store lacks, each in its own transaction. FAILED_PRECONDITION when
// the store was written by a newer collector, or is another program's database.
absl::Status MigrateSchema(Database& database, int64_t now_wall_ns);

// The newest step.
int SchemaVersion();

}  // namespace vakt

#endif  // VAKT_COLLECTOR_STORE_SCHEMA_H_
