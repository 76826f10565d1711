// SPDX-License-Identifier: Apache-2.0
// Records of nodes that could not be taken, kept for whoever has to find out why: their bytes, the
// reason, and the place in the node's stream where a CORRUPT gap stands for them. The newest of
// each node only, and no more than the head of each, so that a node cannot fill the disk with what
// is none; they expire at the age of gaps and notes.
//
// Threads: MalformedWriter belongs to the writer thread, MalformedReader to its RecordReader.
#ifndef VAKT_COLLECTOR_STORE_MALFORMED_H_
#define VAKT_COLLECTOR_STORE_MALFORMED_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "collector/store/node_key.h"
#include "collector/store/sqlite.h"

namespace vakt {

inline constexpr size_t kMaxMalformedBytes = 64 << 10;  // kept of one
inline constexpr int64_t kMaxMalformedPerNode = 1000;

struct MalformedRecord {
  std::string bytes;
  std::string reason;
};

// Where the gap is; 0/0: it had no place in the stream, nothing is missing there.
struct MalformedPlace {
  int64_t epoch = 0;
  int64_t seq = 0;
};

// One of them, as it is kept.
struct MalformedRow {
  int64_t id = 0;
  int64_t received_ns = 0;
  MalformedPlace place;
  int64_t size_bytes = 0;  // before it was cut
  MalformedRecord record;
};

class MalformedWriter {
 public:
  absl::Status Prepare(Database& database);
  absl::Status Add(int64_t node_id, const MalformedRecord& record, MalformedPlace place,
                   int64_t now_ns);
  // Forgets at most `max_records` that came before `cutoff_ns`.
  absl::Status Prune(int64_t cutoff_ns, int64_t max_records);

 private:
  Statement insert_, count_, trim_, prune_;
};

class MalformedReader {
 public:
  absl::Status Prepare(Database& database);
  // Newest first, older than `before_id`.
  absl::StatusOr<std::vector<MalformedRow>> List(const NodeKey& node, int64_t before_id,
                                                 int64_t max_records);

 private:
  Statement list_;
};

}  // namespace vakt

#endif  // VAKT_COLLECTOR_STORE_MALFORMED_H_
