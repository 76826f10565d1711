// SPDX-License-Identifier: Apache-2.0
// Reads of the store over one connection. A reader sees what is committed and never waits for the
// writer (WAL).
//
// Threads: one thread at a time; Store keeps a pool.
#ifndef VAKT_COLLECTOR_STORE_RECORD_READER_H_
#define VAKT_COLLECTOR_STORE_RECORD_READER_H_

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "collector/store/audit.h"
#include "collector/store/consumer.h"
#include "collector/store/malformed.h"
#include "collector/store/node_key.h"
#include "collector/store/record_completion.h"
#include "collector/store/record_filter.h"
#include "collector/store/sqlite.h"
#include "collector/store/triage.h"
#include "vakt/v1/fleet.pb.h"
#include "vakt/v1/query.pb.h"

namespace vakt {

enum class Direction { kOldestFirst, kNewestFirst };

struct ScanRequest {
  Direction direction = Direction::kOldestFirst;
  int64_t after_id = 0;  // records on the far side of this one, seen in the direction
  size_t max_records = 100;
  // The limits on work: a scan stops early at either and says where. The bytes keep a page below
  // gRPC's default message limit of 4 MiB, whatever the records' size.
  size_t max_bytes = 3 << 20;
  absl::Duration budget = absl::Milliseconds(200);
};

struct ScanResult {
  std::vector<v1::StoredRecord> records;
  int64_t position = 0;  // all up to here has been looked at: the next scan's after_id
  bool at_end = false;   // nothing is left in the direction, for now
};

struct NodePageLimits {
  size_t count = std::numeric_limits<size_t>::max();
  size_t bytes = std::numeric_limits<size_t>::max();  // ends with the node that reaches it
};

struct NodePage {
  std::vector<v1::Node> nodes;
  bool has_more = false;
};

class RecordReader {
 public:
  // `completion` may be null; it outlives the reader.
  static absl::StatusOr<std::unique_ptr<RecordReader>> Open(
      const std::string& path, const RecordCompletion* completion = nullptr);

  absl::StatusOr<ScanResult> Scan(const RecordFilter& filter, const ScanRequest& request);
  // NOT_FOUND when no alert has the uid. Of several, which only a forging node can cause, the
  // first stored.
  absl::StatusOr<v1::StoredRecord> FindAlert(const std::string& uid);
  // By cluster and name; `connected` is left out.
  absl::StatusOr<NodePage> ListNodesAfter(const NodeKey& after, const NodePageLimits& limits);
  absl::StatusOr<std::vector<ConditionRow>> ListConditions();
  AuditReader& audit() { return audit_; }
  MalformedReader& malformed() { return malformed_; }
  // The oldest record that is still there; one more than the newest ever when there is none.
  absl::StatusOr<int64_t> OldestId();
  ConsumerReader& consumers() { return consumers_; }
  TriageReader& triage() { return triage_; }
  // The newest record that was deleted for its age, of flows or else of the other records, or both,
  // as the filter asks for them; 0: none yet.
  absl::StatusOr<int64_t> PrunedId(const RecordFilter& filter);
  // The newest committed record's id.
  absl::StatusOr<int64_t> LastId();
  const std::string& store_id() const { return store_id_; }

 private:
  // The names of a filter as ids of this store; which an unknown name does not have.
  struct NameIds {
    bool any_rule = true;
    bool any_node = true;
    absl::flat_hash_set<int64_t> rules;
    absl::flat_hash_set<int64_t> nodes;
  };
  struct Range {
    int64_t first;
    int64_t last;
  };

  RecordReader(std::unique_ptr<Database> database, const RecordCompletion* completion)
      : database_(std::move(database)), completion_(completion) {}
  absl::Status PrepareAll();
  absl::StatusOr<ScanResult> ScanSnapshot(const RecordFilter& filter, const ScanRequest& request);
  // The next ids worth scanning beyond `position`; empty (first > last) when there are none.
  absl::StatusOr<Range> NextRange(const RecordFilter& filter, Direction direction,
                                  int64_t position);
  // True: go on with the next range. False: a limit was reached.
  absl::StatusOr<bool> ScanRange(const RecordFilter& filter, const NameIds& names,
                                 const ScanRequest& request, Range range, absl::Time deadline,
                                 ScanResult* result);
  absl::StatusOr<NameIds> FindIds(const RecordFilter& filter);
  static bool MatchesColumns(const RecordFilter& filter, const NameIds& names,
                             const Statement& row);
  absl::Status Load(const Statement& row, v1::StoredRecord* out);
  absl::StatusOr<const NodeKey*> FindNode(int64_t node_id);

  const std::unique_ptr<Database> database_;
  const RecordCompletion* const completion_;
  std::string store_id_;
  AuditReader audit_;
  MalformedReader malformed_;
  ConsumerReader consumers_;
  TriageReader triage_;
  int64_t indexed_id_ = 0;  // records up to here are not in the index
  absl::flat_hash_map<int64_t, std::unique_ptr<NodeKey>> nodes_;  // names never change

  Statement next_records_, previous_records_, next_span_, previous_span_;
  Statement next_flows_, previous_flows_, next_any_, previous_any_;
  Statement payload_, by_uid_, node_, all_nodes_, last_id_, conditions_;
  Statement rule_by_name_, nodes_by_name_, ends_, pruned_id_;
  Statement next_found_, previous_found_;
};

}  // namespace vakt

#endif  // VAKT_COLLECTOR_STORE_RECORD_READER_H_
