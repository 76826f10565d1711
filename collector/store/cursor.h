// SPDX-License-Identifier: Apache-2.0
// A place in the store as clients see it: "<store id>.<record id>". The store's id, random per
// store, keeps a cursor from being used on another store, where it would silently skip records.
// Threads: thread-safe.
#ifndef VAKT_COLLECTOR_STORE_CURSOR_H_
#define VAKT_COLLECTOR_STORE_CURSOR_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace vakt {

std::string FormatCursor(std::string_view store_id, int64_t record_id);

// The record id. INVALID_ARGUMENT for what never was a cursor, FAILED_PRECONDITION for the cursor
// of another store.
absl::StatusOr<int64_t> ParseCursor(std::string_view store_id, std::string_view cursor);

}  // namespace vakt

#endif  // VAKT_COLLECTOR_STORE_CURSOR_H_
