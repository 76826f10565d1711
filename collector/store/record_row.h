// SPDX-License-Identifier: Apache-2.0
// One record as the store keeps it: the agent's bytes, and the columns that filters read, taken
// from those bytes. The bytes come from the network: everything is checked here.
// Threads: thread-safe.
#ifndef VAKT_COLLECTOR_STORE_RECORD_ROW_H_
#define VAKT_COLLECTOR_STORE_RECORD_ROW_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "collector/store/malformed.h"
#include "collector/store/record_completion.h"
#include "common/recordlog/chain.h"

namespace vakt {

// One event with its process fits many times over (argv is cut at 16 KiB, paths at 4 KiB).
inline constexpr size_t kMaxRecordBytes = 256 << 10;

// Values of column record.kind: never renumbered. kOther: a body that only newer agents know.
enum class RecordKind : int { kOther = 0, kAlert = 1, kGap = 2, kLifecycle = 3, kFlow = 4 };

struct RecordRow {
  std::string bytes;  // encoded v1::Record, unchanged
  std::string boot_id;
  int64_t epoch = 0;
  int64_t seq = 0;
  RecordKind kind = RecordKind::kOther;
  std::optional<int64_t> event_ns;  // wall clock; none: the record has no usable time
  std::optional<int> priority;      // alerts only, as the following
  std::string rule;
  std::string uid;
  std::string search;  // its terms (filter/search_terms.h)
  // Of a gap in the place of records that the node gave up: the first of them, and the chain after.
  int64_t first_seq = 0;
  std::optional<ChainHash> chain_after;
  std::optional<ChainHash> chain;  // after this record, once computed (node_chain.h)
  // Of a gap in the place of records that could not be taken: those. Such a gap is the collector's
  // own and no link of the node's chain.
  std::vector<MalformedRecord> malformed;
};

// INVALID_ARGUMENT when the bytes are no Record, or one that cannot be stored; says what is wrong.
absl::StatusOr<RecordRow> ToRecordRow(std::string bytes);
// The same; leaves the bytes where they are when they are refused. Searches find what `completion`
// knows, too; it may be null.
absl::StatusOr<RecordRow> TakeRecordRow(std::string* bytes,
                                        const RecordCompletion* completion = nullptr);

}  // namespace vakt

#endif  // VAKT_COLLECTOR_STORE_RECORD_ROW_H_
