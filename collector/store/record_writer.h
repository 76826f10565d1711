// SPDX-License-Identifier: Apache-2.0
// What is written into the store, statement by statement, inside a transaction that the caller
// begins and ends. Nothing here is durable, and no answer may leave the collector, before Commit
// has succeeded.
//
// Threads: the writer thread only (GroupCommit).
#ifndef VAKT_COLLECTOR_STORE_RECORD_WRITER_H_
#define VAKT_COLLECTOR_STORE_RECORD_WRITER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "collector/store/audit.h"
#include "collector/store/consumer.h"
#include "collector/store/malformed.h"
#include "collector/store/node_chain.h"
#include "collector/store/node_key.h"
#include "collector/store/own_alert.h"
#include "collector/store/record_row.h"
#include "collector/store/sqlite.h"
#include "collector/store/triage.h"
#include "common/base/clock.h"
#include "common/base/strings.h"
#include "vakt/v1/ingest.pb.h"

namespace vakt {

// One connection's writes. Once one of them has failed, later ones must fail too: stored without
// it, they would move the node's position past records that are not there. Writer thread only.
struct NodeStream {
  int64_t node_id = 0;
  bool failed = false;
  uint64_t flow = 0;  // GroupCommit::Request
};

// A node that said hello.
struct Registration {
  std::shared_ptr<NodeStream> stream;
  // Everything up to here is stored. None: a new node, or one whose stream started again behind
  // what is stored (new state directory, restored disk), which must send all it has.
  std::optional<v1::Position> stored;
  std::string stored_boot_id;  // of that run
  bool discontinuity = false;  // it did start again
  ChainBreak chain_break = ChainBreak::kNone;
};

// What of the records expires: alerts by their priority (0 to 7), gaps and notes, flows.
inline constexpr int kRetentionClasses = 10;
inline constexpr int kRetentionClassOfNotes = 8;
inline constexpr int kRetentionClassOfFlows = 9;
struct PruneScope {
  uint32_t classes = 0;   // bit n: class n
  int64_t cutoff_ns = 0;  // received before
  int64_t now_ns = 0;     // what was received later came under a wrong clock: passed by
  int64_t after_id = 0;   // records up to here have been looked at
};
struct PruneStep {
  int64_t looked_at = 0;
  int64_t last_id = 0;  // the next step's after_id
};

class RecordWriter {
 public:
  // Both must outlive the writer.
  static absl::StatusOr<std::unique_ptr<RecordWriter>> Create(Database* database, Clock* clock);

  absl::Status Begin();
  absl::Status Commit();
  void Rollback();

  absl::StatusOr<Registration> RegisterNode(const NodeKey& key, const v1::Hello& hello);
  // Records that the store has or had are counted and left out. A batch that does not continue the
  // node's chain is stored all the same, with an alert that says so.
  absl::StatusOr<ChainBreak> Append(int64_t node_id, const RecordBatch& batch);
  // Stores an alert of the collector's own about a node, which need not be known.
  absl::Status Raise(const NodeKey& about, v1::Alert alert);
  // The same, and with it that the condition of alert.condition() has begun or ended.
  absl::Status ChangeCondition(const NodeKey& about, const v1::Alert& alert,
                               const std::string& detail);
  absl::Status RecordHeartbeat(int64_t node_id, const v1::Heartbeat& heartbeat);
  // Until its next hello. NOT_FOUND when there is none, or it is forgotten already.
  absl::Status ForgetNode(const NodeKey& key);
  // Looks at the oldest records behind `scope.after_id`, at most `max_records`, and forgets those
  // of the scope's classes.
  absl::StatusOr<PruneStep> Prune(const PruneScope& scope, int64_t max_records);
  // Remembers what time records have expired by, and tells the latest that was remembered.
  absl::Status SetRetentionTime(int64_t now_ns) { return set_retention_time_.Run(now_ns); }
  int64_t retention_time_ns() const { return retention_time_ns_; }

  AuditWriter& audit() { return audit_; }
  ConsumerWriter& consumers() { return consumers_; }
  TriageWriter& triage() { return triage_; }
  int64_t now_ns() const { return clock_.WallNs(); }

  // The newest committed record's id; 0 when there never was one.
  int64_t last_id() const { return committed_id_; }

 private:
  struct RunKey {
    int64_t node_id;
    int64_t epoch;
    std::string boot_id;
    bool operator==(const RunKey&) const = default;
    template <typename H>
    friend H AbslHashValue(H hash, const RunKey& key) {
      return H::combine(std::move(hash), key.node_id, key.epoch, key.boot_id);
    }
  };
  struct Run {
    int64_t id = 0;
    int64_t stored_seq = 0;
    int64_t pruned_seq = 0;
  };
  struct Extremes {
    int64_t oldest_ns;
    int64_t newest_ns;
  };
  struct Counts {
    int64_t alerts = 0;
    int64_t gaps = 0;
    int64_t duplicates = 0;
  };

  RecordWriter(Database* database, Clock* clock) : database_(*database), clock_(*clock) {}
  absl::Status PrepareAll();
  absl::StatusOr<int64_t> NewestOwnEpoch();
  absl::StatusOr<ChainBreak> CheckHello(int64_t node_id, const v1::Hello& hello,
                                        bool discontinuity);
  // A record with all that belongs to it.
  absl::Status Delete(int64_t id, RecordKind kind);
  absl::Status AppendRows(int64_t node_id, absl::Span<const RecordRow> rows);
  absl::Status AddMalformed(int64_t node_id, absl::Span<const MalformedRecord> records,
                            MalformedPlace place);
  // None: the node has told of no chain yet.
  absl::StatusOr<std::optional<ChainEnd>> FindChainEnd(int64_t node_id);
  absl::Status SetChainEnd(int64_t node_id, const std::optional<ChainEnd>& end);
  absl::Status RaiseChainBreak(int64_t node_id, ChainBreak chain_break, const std::string& detail);
  absl::Status RaiseAbout(int64_t node_id, v1::Alert alert);
  absl::StatusOr<int64_t> FindOrAddNode(const NodeKey& key, const std::string& hello,
                                        int64_t now_ns);
  absl::StatusOr<Run*> FindOrAddRun(int64_t node_id, const RecordRow& row);
  absl::StatusOr<int64_t> FindOrAddRule(const std::string& name);
  // False: a duplicate.
  absl::StatusOr<bool> Insert(int64_t node_id, const Run& run, const RecordRow& row,
                              int64_t now_ns);
  absl::Status WriteExtremes();
  void ForgetCaches();

  Database& database_;
  Clock& clock_;
  AuditWriter audit_;
  ConsumerWriter consumers_;
  MalformedWriter malformed_;
  TriageWriter triage_;
  int64_t indexed_id_ = 0;
  int64_t retention_time_ns_ = 0;
  int64_t last_id_ = 0;  // of this transaction
  int64_t committed_id_ = 0;
  std::string store_id_;
  // The collector's own stream of records, as an agent's: one epoch per start.
  int64_t own_epoch_ = 0;
  int64_t own_seq_ = 0;
  int64_t committed_own_seq_ = 0;

  // What this transaction has seen; the runs and rules are kept for later ones too.
  absl::flat_hash_map<RunKey, std::unique_ptr<Run>> runs_;
  StringMap<int64_t> rules_;
  absl::flat_hash_map<int64_t, Extremes> spans_;

  Statement open_condition_, close_condition_;
  Statement find_node_, insert_node_, update_node_, forget_node_, touch_node_, update_heartbeat_;
  Statement node_name_, find_chain_, update_chain_, count_chain_break_;
  Statement newest_run_, find_run_, insert_run_, update_run_;
  Statement find_rule_, insert_rule_, insert_record_, insert_payload_, upsert_span_;
  Statement oldest_records_, delete_record_, delete_payload_, prune_run_, delete_spans_,
      set_pruned_, set_retention_time_;
  Statement insert_search_, delete_search_, find_payload_;
};

}  // namespace vakt

#endif  // VAKT_COLLECTOR_STORE_RECORD_WRITER_H_
