// SPDX-License-Identifier: Apache-2.0
#include "collector/store/record_writer.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "collector/filter/search_terms.h"
#include "collector/store/schema.h"
#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/base/text.h"

namespace vakt {
namespace {

// A thousand nodes have a few runs and a few hundred rules each; beyond, the cache starts again.
constexpr size_t kMaxCached = 65536;

}  // namespace

absl::StatusOr<std::unique_ptr<RecordWriter>> RecordWriter::Create(Database* database,
                                                                   Clock* clock) {
  std::unique_ptr<RecordWriter> writer(new RecordWriter(database, clock));
  VAKT_RETURN_IF_ERROR(writer->PrepareAll());
  // Not max(id): all records may have expired, and ids go on.
  VAKT_ASSIGN_OR_RETURN(Statement last,
                        database->Prepare("SELECT seq FROM sqlite_sequence WHERE name = 'record'"));
  VAKT_ASSIGN_OR_RETURN(const bool has_row, last.Step());
  if (has_row) writer->last_id_ = writer->committed_id_ = last.Int(0);
  VAKT_ASSIGN_OR_RETURN(writer->store_id_, database->QueryText("SELECT store_id FROM identity"));
  VAKT_ASSIGN_OR_RETURN(Statement state,
                        database->Prepare("SELECT indexed_id, retention_ns FROM state"));
  VAKT_RETURN_IF_ERROR(state.Step().status());
  writer->indexed_id_ = state.Int(0);
  writer->retention_time_ns_ = state.Int(1);
  VAKT_ASSIGN_OR_RETURN(const int64_t newest_epoch, writer->NewestOwnEpoch());
  // Rising also when the clock was set back.
  writer->own_epoch_ = std::max(clock->WallNs() / 1000, newest_epoch + 1);
  return writer;
}

absl::Status RecordWriter::PrepareAll() {
  const struct {
    Statement* statement;
    std::string_view sql;
  } statements[] = {
      {&find_node_, "SELECT id FROM node WHERE cluster = ?1 AND node = ?2"},
      {&insert_node_,
       "INSERT INTO node (cluster, node, first_seen_ns, last_seen_ns, hello) "
       "VALUES (?1, ?2, ?3, ?3, ?4)"},
      {&update_node_,
       "UPDATE node SET last_seen_ns = ?2, hello = ?3, forgotten_ns = NULL "
       "WHERE id = ?1"},
      {&forget_node_,
       "UPDATE node SET forgotten_ns = ?3 WHERE cluster = ?1 AND node = ?2 AND id != 0 "
       "AND forgotten_ns IS NULL"},
      {&touch_node_,
       "UPDATE node SET last_seen_ns = ?2, alerts = alerts + ?3, gaps = gaps + ?4, "
       "duplicates = duplicates + ?5 WHERE id = ?1"},
      {&update_heartbeat_, "UPDATE node SET last_seen_ns = ?2, heartbeat = ?3 WHERE id = ?1"},
      {&node_name_, "SELECT cluster, node FROM node WHERE id = ?1"},
      {&find_chain_,
       "SELECT chain_epoch, chain_seq, chain_hash FROM node WHERE id = ?1 AND chain_hash NOTNULL"},
      {&update_chain_,
       "UPDATE node SET chain_epoch = ?2, chain_seq = ?3, chain_hash = ?4 WHERE id = ?1"},
      {&count_chain_break_, "UPDATE node SET chain_breaks = chain_breaks + 1 WHERE id = ?1"},
      {&open_condition_, "INSERT OR REPLACE INTO condition VALUES (?1, ?2, ?3, ?4, ?5)"},
      {&close_condition_, "DELETE FROM condition WHERE cluster = ?1 AND node = ?2 AND name = ?3"},
      {&newest_run_,
       "SELECT boot_id, epoch, stored_seq FROM run WHERE node_id = ?1 ORDER BY id DESC LIMIT 1"},
      {&find_run_,
       "SELECT id, stored_seq, pruned_seq FROM run "
       "WHERE node_id = ?1 AND boot_id = ?2 AND epoch = ?3"},
      {&insert_run_, "INSERT INTO run (node_id, boot_id, epoch) VALUES (?1, ?2, ?3)"},
      {&update_run_, "UPDATE run SET stored_seq = ?2 WHERE id = ?1"},
      {&find_rule_, "SELECT id FROM rule WHERE name = ?1"},
      {&insert_rule_, "INSERT INTO rule (name) VALUES (?1)"},
      {&insert_record_,
       "INSERT INTO record (node_id, run_id, seq, kind, priority, rule_id, event_ns, received_ns, "
       "uid) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (run_id, seq) DO NOTHING"},
      {&insert_payload_, "INSERT INTO payload (id, bytes) VALUES (?1, ?2)"},
      {&upsert_span_,
       "INSERT INTO span VALUES (?1, ?2, ?3) ON CONFLICT (id) DO UPDATE SET "
       "oldest_event_ns = min(oldest_event_ns, excluded.oldest_event_ns), "
       "newest_event_ns = max(newest_event_ns, excluded.newest_event_ns)"},
      {&oldest_records_,
       "SELECT id, run_id, seq, received_ns, kind, priority FROM record WHERE id > ?1 "
       "ORDER BY id LIMIT ?2"},
      {&delete_record_, "DELETE FROM record WHERE id = ?1"},
      {&delete_payload_, "DELETE FROM payload WHERE id = ?1"},
      {&prune_run_, "UPDATE run SET pruned_seq = max(pruned_seq, ?2) WHERE id = ?1"},
      {&insert_search_, "INSERT INTO search (rowid, terms) VALUES (?1, ?2)"},
      {&delete_search_, "INSERT INTO search (search, rowid, terms) VALUES ('delete', ?1, ?2)"},
      {&find_payload_, "SELECT bytes FROM payload WHERE id = ?1"},
      {&set_pruned_,
       "UPDATE state SET pruned_id = max(pruned_id, ?1), "
       "pruned_flow_id = max(pruned_flow_id, ?2)"},
      {&set_retention_time_, "UPDATE state SET retention_ns = max(retention_ns, ?1)"},
      {&delete_spans_, "DELETE FROM span WHERE id < (SELECT ifnull(min(id), 0) FROM record) >> ?1"},
  };
  for (const auto& [statement, sql] : statements) {
    VAKT_ASSIGN_OR_RETURN(*statement, database_.Prepare(sql));
  }
  VAKT_RETURN_IF_ERROR(triage_.Prepare(database_));
  VAKT_RETURN_IF_ERROR(consumers_.Prepare(database_));
  VAKT_RETURN_IF_ERROR(malformed_.Prepare(database_));
  return audit_.Prepare(database_);
}

absl::Status RecordWriter::Begin() {
  if (runs_.size() > kMaxCached || rules_.size() > kMaxCached) ForgetCaches();
  return database_.Execute("BEGIN IMMEDIATE");
}

absl::Status RecordWriter::Commit() {
  VAKT_RETURN_IF_ERROR(WriteExtremes());
  VAKT_RETURN_IF_ERROR(database_.Execute("COMMIT"));
  committed_id_ = last_id_;
  committed_own_seq_ = own_seq_;
  return absl::OkStatus();
}

void RecordWriter::Rollback() {
  // SQLite has already rolled back by itself after some errors, such as a full disk.
  if (database_.in_transaction()) database_.Execute("ROLLBACK").IgnoreError();
  last_id_ = committed_id_;
  own_seq_ = committed_own_seq_;
  ForgetCaches();
}

void RecordWriter::ForgetCaches() {
  runs_.clear();
  rules_.clear();
  spans_.clear();
}

absl::StatusOr<Registration> RecordWriter::RegisterNode(const NodeKey& key,
                                                        const v1::Hello& hello) {
  Registration registration;
  VAKT_ASSIGN_OR_RETURN(const int64_t node_id,
                        FindOrAddNode(key, hello.SerializeAsString(), clock_.WallNs()));
  registration.stream = std::make_shared<NodeStream>(NodeStream{.node_id = node_id});
  VAKT_RETURN_IF_ERROR(newest_run_.Start(node_id));
  VAKT_ASSIGN_OR_RETURN(const bool has_run, newest_run_.Step());
  if (!has_run) return registration;
  const std::string_view boot_id = newest_run_.Text(0);
  const uint64_t epoch = static_cast<uint64_t>(newest_run_.Int(1));
  // Where the stream stands counts only if this run of the agent is that one or a later one.
  // Otherwise its epochs started again, and the position would cover records never sent.
  if (epoch < hello.epoch() || (epoch == hello.epoch() && boot_id == hello.boot_id())) {
    registration.stored.emplace();
    registration.stored->set_epoch(epoch);
    registration.stored->set_seq(static_cast<uint64_t>(newest_run_.Int(2)));
    registration.stored_boot_id = std::string(boot_id);
  } else {
    registration.discontinuity = true;
  }
  newest_run_.Reset();
  VAKT_ASSIGN_OR_RETURN(registration.chain_break,
                        CheckHello(node_id, hello, registration.discontinuity));
  return registration;
}

absl::StatusOr<int64_t> RecordWriter::FindOrAddNode(const NodeKey& key, const std::string& hello,
                                                    int64_t now_ns) {
  VAKT_RETURN_IF_ERROR(find_node_.Start(key.cluster, key.node));
  VAKT_ASSIGN_OR_RETURN(const bool found, find_node_.Step());
  if (!found) {
    VAKT_RETURN_IF_ERROR(insert_node_.Run(key.cluster, key.node, now_ns, Blob{hello}));
    return database_.last_insert_id();
  }
  const int64_t id = find_node_.Int(0);
  find_node_.Reset();
  VAKT_RETURN_IF_ERROR(update_node_.Run(id, now_ns, Blob{hello}));
  return id;
}

absl::Status RecordWriter::ForgetNode(const NodeKey& key) {
  VAKT_RETURN_IF_ERROR(forget_node_.Run(key.cluster, key.node, clock_.WallNs()));
  if (database_.changed_rows() != 0) return absl::OkStatus();
  return absl::NotFoundError(
      StrCat("there is no node ", EscapeUtf8(key.node), " of cluster ", EscapeUtf8(key.cluster)));
}

absl::Status RecordWriter::RecordHeartbeat(int64_t node_id, const v1::Heartbeat& heartbeat) {
  return update_heartbeat_.Run(node_id, clock_.WallNs(), Blob{heartbeat.SerializeAsString()});
}

absl::Status RecordWriter::AppendRows(int64_t node_id, absl::Span<const RecordRow> rows) {
  const int64_t now_ns = clock_.WallNs();
  Counts counts;
  absl::flat_hash_map<Run*, int64_t> newest;  // per run that has new records
  for (const RecordRow& row : rows) {
    VAKT_ASSIGN_OR_RETURN(Run* const run, FindOrAddRun(node_id, row));
    VAKT_ASSIGN_OR_RETURN(const bool inserted, Insert(node_id, *run, row, now_ns));
    if (!inserted) {
      ++counts.duplicates;
      continue;
    }
    counts.alerts += row.kind == RecordKind::kAlert ? 1 : 0;
    counts.gaps += row.kind == RecordKind::kGap ? 1 : 0;
    VAKT_RETURN_IF_ERROR(AddMalformed(node_id, row.malformed, {row.epoch, row.seq}));
    int64_t& seq = newest.try_emplace(run, run->stored_seq).first->second;
    seq = std::max(seq, row.seq);
  }
  for (const auto& [run, seq] : newest) {
    run->stored_seq = seq;
    VAKT_RETURN_IF_ERROR(update_run_.Run(run->id, seq));
  }
  return touch_node_.Run(node_id, now_ns, counts.alerts, counts.gaps, counts.duplicates);
}

absl::Status RecordWriter::AddMalformed(int64_t node_id, absl::Span<const MalformedRecord> records,
                                        MalformedPlace place) {
  for (const MalformedRecord& record : records) {
    VAKT_RETURN_IF_ERROR(malformed_.Add(node_id, record, place, clock_.WallNs()));
  }
  return absl::OkStatus();
}

absl::StatusOr<RecordWriter::Run*> RecordWriter::FindOrAddRun(int64_t node_id,
                                                              const RecordRow& row) {
  std::unique_ptr<Run>& cached = runs_[RunKey{node_id, row.epoch, row.boot_id}];
  if (cached != nullptr) return cached.get();
  Run run;
  VAKT_RETURN_IF_ERROR(find_run_.Start(node_id, row.boot_id, row.epoch));
  VAKT_ASSIGN_OR_RETURN(const bool found, find_run_.Step());
  if (found) {
    run = {find_run_.Int(0), find_run_.Int(1), find_run_.Int(2)};
    find_run_.Reset();
  } else {
    VAKT_RETURN_IF_ERROR(insert_run_.Run(node_id, row.boot_id, row.epoch));
    run.id = database_.last_insert_id();
  }
  cached = std::make_unique<Run>(run);
  return cached.get();
}

absl::StatusOr<int64_t> RecordWriter::FindOrAddRule(const std::string& name) {
  if (const auto cached = rules_.find(name); cached != rules_.end()) return cached->second;
  VAKT_RETURN_IF_ERROR(find_rule_.Start(name));
  VAKT_ASSIGN_OR_RETURN(const bool found, find_rule_.Step());
  int64_t id = 0;
  if (found) {
    id = find_rule_.Int(0);
    find_rule_.Reset();
  } else {
    VAKT_RETURN_IF_ERROR(insert_rule_.Run(name));
    id = database_.last_insert_id();
  }
  rules_.emplace(name, id);
  return id;
}

absl::StatusOr<bool> RecordWriter::Insert(int64_t node_id, const Run& run, const RecordRow& row,
                                          int64_t now_ns) {
  if (row.seq <= run.pruned_seq) return false;  // was stored, and has expired since
  std::optional<int64_t> rule_id;
  std::optional<std::string_view> uid;
  if (row.kind == RecordKind::kAlert) {
    VAKT_ASSIGN_OR_RETURN(rule_id, FindOrAddRule(row.rule));
    if (!row.uid.empty()) uid = row.uid;
  }
  const int64_t event_ns = row.event_ns.value_or(now_ns);
  VAKT_RETURN_IF_ERROR(insert_record_.Run(node_id, run.id, row.seq, static_cast<int>(row.kind),
                                          row.priority, rule_id, event_ns, now_ns, uid));
  if (database_.changed_rows() == 0) return false;
  last_id_ = database_.last_insert_id();
  VAKT_RETURN_IF_ERROR(insert_payload_.Run(last_id_, Blob{row.bytes}));
  if (row.kind == RecordKind::kAlert) {
    VAKT_RETURN_IF_ERROR(insert_search_.Run(last_id_, row.search));
  }
  Extremes& span =
      spans_.try_emplace(last_id_ >> kSpanShift, Extremes{event_ns, event_ns}).first->second;
  span.oldest_ns = std::min(span.oldest_ns, event_ns);
  span.newest_ns = std::max(span.newest_ns, event_ns);
  return true;
}

absl::Status RecordWriter::WriteExtremes() {
  for (const auto& [span, extremes] : spans_) {
    VAKT_RETURN_IF_ERROR(upsert_span_.Run(span, extremes.oldest_ns, extremes.newest_ns));
  }
  spans_.clear();
  return absl::OkStatus();
}

absl::Status RecordWriter::Delete(int64_t id, RecordKind kind) {
  if (kind == RecordKind::kAlert && id > indexed_id_) {
    VAKT_RETURN_IF_ERROR(find_payload_.Start(id));
    VAKT_ASSIGN_OR_RETURN(const bool found, find_payload_.Step());
    v1::Record record;
    const std::string_view bytes = found ? find_payload_.Bytes(0) : std::string_view();
    const bool parsed = record.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
    find_payload_.Reset();
    // The index forgets an entry by its terms.
    if (found && parsed) {
      VAKT_RETURN_IF_ERROR(delete_search_.Run(id, SearchTermsOf(record.alert())));
    }
  }
  VAKT_RETURN_IF_ERROR(triage_.Forget(id));
  VAKT_RETURN_IF_ERROR(delete_record_.Run(id));
  return delete_payload_.Run(id);
}

absl::StatusOr<PruneStep> RecordWriter::Prune(const PruneScope& scope, int64_t max_records) {
  struct Expired {
    int64_t id, run_id, seq;
    RecordKind kind;
  };
  std::vector<Expired> expired;
  PruneStep step = {.last_id = scope.after_id};
  VAKT_RETURN_IF_ERROR(oldest_records_.Start(scope.after_id, max_records));
  while (true) {
    VAKT_ASSIGN_OR_RETURN(const bool has_row, oldest_records_.Step());
    if (!has_row) break;
    const int64_t received_ns = oldest_records_.Int(3);
    if (received_ns >= scope.cutoff_ns && received_ns <= scope.now_ns) break;
    ++step.looked_at;
    step.last_id = oldest_records_.Int(0);
    if (received_ns > scope.now_ns) continue;
    const auto kind = static_cast<RecordKind>(oldest_records_.Int(4));
    const int64_t record_class = kind == RecordKind::kAlert  ? oldest_records_.Int(5)
                                 : kind == RecordKind::kFlow ? kRetentionClassOfFlows
                                                             : kRetentionClassOfNotes;
    if ((scope.classes >> record_class & 1) == 0) continue;
    expired.push_back(
        {oldest_records_.Int(0), oldest_records_.Int(1), oldest_records_.Int(2), kind});
  }
  oldest_records_.Reset();
  int64_t last_flow_id = 0, last_other_id = 0;
  for (const Expired& record : expired) {
    (record.kind == RecordKind::kFlow ? last_flow_id : last_other_id) = record.id;
    VAKT_RETURN_IF_ERROR(prune_run_.Run(record.run_id, record.seq));
    VAKT_RETURN_IF_ERROR(Delete(record.id, record.kind));
  }
  if ((scope.classes >> kRetentionClassOfNotes & 1) != 0) {
    VAKT_RETURN_IF_ERROR(malformed_.Prune(scope.cutoff_ns, max_records));
  }
  if (!expired.empty()) {
    VAKT_RETURN_IF_ERROR(set_pruned_.Run(last_other_id, last_flow_id));
    VAKT_RETURN_IF_ERROR(delete_spans_.Run(kSpanShift));
    runs_.clear();  // their pruned_seq has moved
  }
  return step;
}

}  // namespace vakt
