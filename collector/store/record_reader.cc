// SPDX-License-Identifier: Apache-2.0
#include "collector/store/record_reader.h"

#include <algorithm>
#include <limits>
#include <string_view>
#include <utility>

#include "absl/time/clock.h"
#include "collector/store/cursor.h"
#include "collector/store/schema.h"
#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/base/text.h"
#include "common/base/wakeup.h"
#include "common/time/wall_time.h"

namespace vakt {
namespace {

constexpr int kRowsPerClockRead = 128;

// The columns of next_records_ and its siblings, in their order.
enum Column { kId, kNodeId, kKind, kPriority, kRuleId, kEventNs, kReceivedNs };
constexpr std::string_view kColumns =
    "SELECT id, node_id, kind, priority, rule_id, event_ns, received_ns FROM record ";

static_assert(static_cast<int>(RecordKind::kFlow) == 4, "as the statements have it");
constexpr std::string_view kButFlows = "INDEXED BY record_without_flows ";

// The same of those that the index finds.
constexpr std::string_view kFound =
    "SELECT record.id, node_id, kind, priority, rule_id, event_ns, received_ns FROM search "
    "JOIN record ON record.id = search.rowid "
    "WHERE search MATCH ?3 AND search.rowid BETWEEN ?1 AND ?2 ";

// A read transaction: all statements see the same commit. Ends when it goes.
class Snapshot {
 public:
  explicit Snapshot(Database& database) : database_(database) {}
  ~Snapshot() { database_.Execute("COMMIT").IgnoreError(); }
  absl::Status Begin() { return database_.Execute("BEGIN"); }

 private:
  Database& database_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<RecordReader>> RecordReader::Open(
    const std::string& path, const RecordCompletion* completion) {
  VAKT_ASSIGN_OR_RETURN(auto database, Database::Open(path, Database::Mode::kReadOnly));
  std::unique_ptr<RecordReader> reader(new RecordReader(std::move(database), completion));
  VAKT_RETURN_IF_ERROR(reader->PrepareAll());
  VAKT_ASSIGN_OR_RETURN(const std::string indexed,
                        reader->database_->QueryText("SELECT indexed_id FROM state"));
  reader->indexed_id_ = std::stoll(indexed);
  VAKT_ASSIGN_OR_RETURN(reader->store_id_,
                        reader->database_->QueryText("SELECT store_id FROM identity"));
  return reader;
}

absl::Status RecordReader::PrepareAll() {
  const struct {
    Statement* statement;
    std::string sql;
  } statements[] = {
      {&next_records_,
       StrCat(kColumns, kButFlows, "WHERE id BETWEEN ?1 AND ?2 AND kind <> 4 ORDER BY id")},
      {&previous_records_,
       StrCat(kColumns, kButFlows, "WHERE id BETWEEN ?1 AND ?2 AND kind <> 4 ORDER BY id DESC")},
      {&next_flows_, StrCat(kColumns, "WHERE id BETWEEN ?1 AND ?2 AND kind = 4 ORDER BY id")},
      {&previous_flows_,
       StrCat(kColumns, "WHERE id BETWEEN ?1 AND ?2 AND kind = 4 ORDER BY id DESC")},
      {&next_any_, StrCat(kColumns, "WHERE id BETWEEN ?1 AND ?2 ORDER BY id")},
      {&previous_any_, StrCat(kColumns, "WHERE id BETWEEN ?1 AND ?2 ORDER BY id DESC")},
      {&next_found_, StrCat(kFound, "ORDER BY search.rowid")},
      {&previous_found_, StrCat(kFound, "ORDER BY search.rowid DESC")},
      {&next_span_,
       "SELECT id FROM span WHERE id >= ?1 AND newest_event_ns >= ?2 AND oldest_event_ns <= ?3 "
       "ORDER BY id LIMIT 1"},
      {&previous_span_,
       "SELECT id FROM span WHERE id <= ?1 AND newest_event_ns >= ?2 AND oldest_event_ns <= ?3 "
       "ORDER BY id DESC LIMIT 1"},
      {&payload_, "SELECT bytes FROM payload WHERE id = ?1"},
      {&by_uid_, StrCat(kColumns, "WHERE uid = ?1 ORDER BY id LIMIT 1")},
      {&node_, "SELECT cluster, node FROM node WHERE id = ?1"},
      {&all_nodes_,
       "SELECT cluster, node, first_seen_ns, last_seen_ns, hello, heartbeat, alerts, gaps, "
       "(SELECT epoch FROM run WHERE node_id = node.id ORDER BY id DESC LIMIT 1), "
       "(SELECT stored_seq FROM run WHERE node_id = node.id ORDER BY id DESC LIMIT 1), "
       "chain_breaks, malformed FROM node WHERE id != 0 AND forgotten_ns IS NULL "
       "AND (cluster, node) > (?1, ?2) ORDER BY cluster, node"},
      {&conditions_, "SELECT cluster, node, name, opened_ns, detail FROM condition"},
      {&last_id_, "SELECT seq FROM sqlite_sequence WHERE name = 'record'"},
      {&pruned_id_, "SELECT pruned_id, pruned_flow_id FROM state"},
      {&rule_by_name_, "SELECT id FROM rule WHERE name = ?1"},
      {&nodes_by_name_, "SELECT id FROM node WHERE node = ?1"},
      // Two queries: SQLite looks up one end in the index, but scans for both.
      {&ends_,
       "SELECT ifnull((SELECT min(id) FROM record), 1), ifnull((SELECT max(id) FROM record), 0)"},
  };
  for (const auto& [statement, sql] : statements) {
    VAKT_ASSIGN_OR_RETURN(*statement, database_->Prepare(sql));
  }
  VAKT_RETURN_IF_ERROR(triage_.Prepare(*database_));
  VAKT_RETURN_IF_ERROR(consumers_.Prepare(*database_));
  VAKT_RETURN_IF_ERROR(malformed_.Prepare(*database_));
  return audit_.Prepare(*database_);
}

absl::StatusOr<ScanResult> RecordReader::Scan(const RecordFilter& filter,
                                              const ScanRequest& request) {
  Snapshot snapshot(*database_);
  VAKT_RETURN_IF_ERROR(snapshot.Begin());
  absl::StatusOr<ScanResult> result = ScanSnapshot(filter, request);
  next_found_.Reset();
  previous_found_.Reset();
  next_records_.Reset();  // left in the middle, they would keep the snapshot open
  previous_records_.Reset();
  next_flows_.Reset();
  previous_flows_.Reset();
  next_any_.Reset();
  previous_any_.Reset();
  return result;
}

absl::StatusOr<ScanResult> RecordReader::ScanSnapshot(const RecordFilter& filter,
                                                      const ScanRequest& request) {
  const absl::Time deadline = SteadyNow() + request.budget;
  VAKT_ASSIGN_OR_RETURN(const NameIds names, FindIds(filter));
  ScanResult result;
  result.position = request.after_id;
  while (true) {
    VAKT_ASSIGN_OR_RETURN(const Range range, NextRange(filter, request.direction, result.position));
    if (range.first > range.last) break;
    VAKT_ASSIGN_OR_RETURN(const bool go_on,
                          ScanRange(filter, names, request, range, deadline, &result));
    if (!go_on) return result;
  }
  if (request.direction == Direction::kOldestFirst) {
    // What the filter's times skipped has been looked at, too.
    VAKT_ASSIGN_OR_RETURN(const int64_t last_id, LastId());
    result.position = std::max(result.position, last_id);
  }
  result.at_end = true;
  return result;
}

absl::StatusOr<RecordReader::Range> RecordReader::NextRange(const RecordFilter& filter,
                                                            Direction direction, int64_t position) {
  const bool forward = direction == Direction::kOldestFirst;
  VAKT_RETURN_IF_ERROR(ends_.Start());
  VAKT_RETURN_IF_ERROR(ends_.Step().status());
  Range range = {ends_.Int(0), ends_.Int(1)};
  ends_.Reset();
  if (forward) range.first = std::max(range.first, position + 1);
  if (!forward) range.last = std::min(range.last, position - 1);
  // One side of the index's beginning at a time.
  if (forward && range.first <= indexed_id_) range.last = std::min(range.last, indexed_id_);
  if (!forward && range.last > indexed_id_) range.first = std::max(range.first, indexed_id_ + 1);
  if (filter.any_time() || range.first > range.last) return range;

  Statement& find_span = forward ? next_span_ : previous_span_;
  const int64_t nearest = (forward ? range.first : range.last) >> kSpanShift;
  VAKT_RETURN_IF_ERROR(find_span.Start(nearest, filter.since_ns(), filter.last_ns()));
  VAKT_ASSIGN_OR_RETURN(const bool found, find_span.Step());
  if (!found) return Range{1, 0};
  const int64_t span = find_span.Int(0);
  find_span.Reset();
  return Range{std::max(range.first, span << kSpanShift),
               std::min(range.last, ((span + 1) << kSpanShift) - 1)};
}

absl::StatusOr<bool> RecordReader::ScanRange(const RecordFilter& filter, const NameIds& names,
                                             const ScanRequest& request, Range range,
                                             absl::Time deadline, ScanResult* result) {
  const bool forward = request.direction == Direction::kOldestFirst;
  const bool indexed = !filter.search().empty() && range.first > indexed_id_;
  Statement& rows = indexed                     ? (forward ? next_found_ : previous_found_)
                    : !filter.flows()           ? (forward ? next_records_ : previous_records_)
                    : filter.other_than_flows() ? (forward ? next_any_ : previous_any_)
                                                : (forward ? next_flows_ : previous_flows_);
  if (indexed) {
    VAKT_RETURN_IF_ERROR(rows.Start(range.first, range.last, filter.search()));
  } else {
    VAKT_RETURN_IF_ERROR(rows.Start(range.first, range.last));
  }
  size_t bytes = 0;
  for (int count = 1;; ++count) {
    VAKT_ASSIGN_OR_RETURN(const bool has_row, rows.Step());
    if (!has_row) break;
    if (MatchesColumns(filter, names, rows)) {
      v1::StoredRecord record;
      VAKT_RETURN_IF_ERROR(Load(rows, &record));
      if (filter.MatchesContent(record)) {
        bytes += record.ByteSizeLong();
        if (bytes > request.max_bytes && !result->records.empty()) return false;
        result->records.push_back(std::move(record));
      }
    }
    result->position = rows.Int(kId);
    if (result->records.size() >= request.max_records) return false;
    if (count % kRowsPerClockRead == 0 && SteadyNow() > deadline) return false;
  }
  result->position = forward ? range.last : range.first;
  return true;
}

bool RecordReader::MatchesColumns(const RecordFilter& filter, const NameIds& names,
                                  const Statement& row) {
  const auto kind = static_cast<RecordKind>(row.Int(kKind));
  return filter.MatchesKind(kind, static_cast<int>(row.Int(kPriority))) &&
         filter.MatchesTime(row.Int(kEventNs)) &&
         (names.any_node || names.nodes.contains(row.Int(kNodeId))) &&
         (names.any_rule || kind != RecordKind::kAlert || names.rules.contains(row.Int(kRuleId)));
}

absl::StatusOr<RecordReader::NameIds> RecordReader::FindIds(const RecordFilter& filter) {
  NameIds ids;
  ids.any_rule = filter.rules().empty();
  ids.any_node = filter.nodes().empty();
  const auto collect = [](Statement& find, const std::string& name,
                          absl::flat_hash_set<int64_t>& out) -> absl::Status {
    VAKT_RETURN_IF_ERROR(find.Start(name));
    while (true) {
      VAKT_ASSIGN_OR_RETURN(const bool has_row, find.Step());
      if (!has_row) return absl::OkStatus();
      out.insert(find.Int(0));
    }
  };
  for (const std::string& name : filter.rules()) {
    VAKT_RETURN_IF_ERROR(collect(rule_by_name_, name, ids.rules));
  }
  for (const std::string& name : filter.nodes()) {
    VAKT_RETURN_IF_ERROR(collect(nodes_by_name_, name, ids.nodes));
  }
  return ids;
}

absl::Status RecordReader::Load(const Statement& row, v1::StoredRecord* out) {
  const int64_t id = row.Int(kId);
  VAKT_ASSIGN_OR_RETURN(const NodeKey* const node, FindNode(row.Int(kNodeId)));
  out->set_cursor(FormatCursor(store_id_, id));
  out->set_cluster(node->cluster);
  out->set_node(node->node);
  FromWallNs(row.Int(kReceivedNs), out->mutable_received());
  VAKT_RETURN_IF_ERROR(triage_.Load(id, out));
  VAKT_RETURN_IF_ERROR(payload_.Start(id));
  VAKT_ASSIGN_OR_RETURN(const bool found, payload_.Step());
  if (!found) return absl::DataLossError(StrCat("store: record ", id, " has no payload"));
  const std::string_view bytes = payload_.Bytes(0);
  const bool parsed =
      out->mutable_record()->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
  payload_.Reset();
  if (!parsed) return absl::DataLossError(StrCat("store: record ", id, " cannot be decoded"));
  if (completion_ != nullptr) completion_->Complete(out->mutable_record());
  return absl::OkStatus();
}

absl::StatusOr<const NodeKey*> RecordReader::FindNode(int64_t node_id) {
  std::unique_ptr<NodeKey>& cached = nodes_[node_id];
  if (cached == nullptr) {
    VAKT_RETURN_IF_ERROR(node_.Start(node_id));
    VAKT_ASSIGN_OR_RETURN(const bool found, node_.Step());
    if (!found) return absl::DataLossError(StrCat("store: there is no node ", node_id));
    cached =
        std::make_unique<NodeKey>(NodeKey{std::string(node_.Text(0)), std::string(node_.Text(1))});
    node_.Reset();
  }
  return cached.get();
}

absl::StatusOr<v1::StoredRecord> RecordReader::FindAlert(const std::string& uid) {
  Snapshot snapshot(*database_);
  VAKT_RETURN_IF_ERROR(snapshot.Begin());
  VAKT_RETURN_IF_ERROR(by_uid_.Start(uid));
  VAKT_ASSIGN_OR_RETURN(const bool found, by_uid_.Step());
  if (!found) return absl::NotFoundError(StrCat("no alert has uid \"", EscapeUtf8(uid), "\""));
  v1::StoredRecord record;
  const absl::Status status = Load(by_uid_, &record);
  by_uid_.Reset();
  if (!status.ok()) return status;
  return record;
}

absl::StatusOr<NodePage> RecordReader::ListNodesAfter(const NodeKey& after,
                                                      const NodePageLimits& limits) {
  NodePage page;
  VAKT_RETURN_IF_ERROR(all_nodes_.Start(after.cluster, after.node));
  size_t bytes = 0;
  while (true) {
    VAKT_ASSIGN_OR_RETURN(const bool has_row, all_nodes_.Step());
    if (!has_row) return page;
    if (page.nodes.size() >= limits.count || bytes >= limits.bytes) {
      page.has_more = true;
      all_nodes_.Reset();
      return page;
    }
    bytes += all_nodes_.Bytes(4).size() + all_nodes_.Bytes(5).size();
    v1::Node& node = page.nodes.emplace_back();
    node.set_cluster(std::string(all_nodes_.Text(0)));
    node.set_node(std::string(all_nodes_.Text(1)));
    FromWallNs(all_nodes_.Int(2), node.mutable_first_seen());
    FromWallNs(all_nodes_.Int(3), node.mutable_last_seen());
    node.mutable_hello()->ParseFromString(std::string(all_nodes_.Bytes(4)));
    if (!all_nodes_.IsNull(5)) {
      node.mutable_heartbeat()->ParseFromString(std::string(all_nodes_.Bytes(5)));
    }
    node.set_alerts(static_cast<uint64_t>(all_nodes_.Int(6)));
    node.set_gaps(static_cast<uint64_t>(all_nodes_.Int(7)));
    if (!all_nodes_.IsNull(8)) {
      node.mutable_stored()->set_epoch(static_cast<uint64_t>(all_nodes_.Int(8)));
      node.mutable_stored()->set_seq(static_cast<uint64_t>(all_nodes_.Int(9)));
    }
    node.set_chain_breaks(static_cast<uint64_t>(all_nodes_.Int(10)));
    node.set_malformed(static_cast<uint64_t>(all_nodes_.Int(11)));
  }
}

absl::StatusOr<std::vector<ConditionRow>> RecordReader::ListConditions() {
  std::vector<ConditionRow> rows;
  VAKT_RETURN_IF_ERROR(conditions_.Start());
  while (true) {
    VAKT_ASSIGN_OR_RETURN(const bool has_row, conditions_.Step());
    if (!has_row) return rows;
    rows.push_back({.about = {std::string(conditions_.Text(0)), std::string(conditions_.Text(1))},
                    .name = std::string(conditions_.Text(2)),
                    .opened_ns = conditions_.Int(3),
                    .detail = std::string(conditions_.Text(4))});
  }
}

absl::StatusOr<int64_t> RecordReader::OldestId() {
  Snapshot snapshot(*database_);
  VAKT_RETURN_IF_ERROR(snapshot.Begin());
  VAKT_RETURN_IF_ERROR(ends_.Start());
  VAKT_RETURN_IF_ERROR(ends_.Step().status());
  const int64_t oldest = ends_.Int(0);
  const bool any = ends_.Int(1) > 0;
  ends_.Reset();
  if (any) return oldest;
  VAKT_ASSIGN_OR_RETURN(const int64_t last, LastId());
  return last + 1;
}

absl::StatusOr<int64_t> RecordReader::PrunedId(const RecordFilter& filter) {
  VAKT_RETURN_IF_ERROR(pruned_id_.Start());
  VAKT_ASSIGN_OR_RETURN(const bool found, pruned_id_.Step());
  int64_t id = 0;
  if (found && filter.other_than_flows()) id = pruned_id_.Int(0);
  if (found && filter.flows()) id = std::max(id, pruned_id_.Int(1));
  pruned_id_.Reset();
  return id;
}

absl::StatusOr<int64_t> RecordReader::LastId() {
  VAKT_RETURN_IF_ERROR(last_id_.Start());
  VAKT_ASSIGN_OR_RETURN(const bool found, last_id_.Step());
  const int64_t id = found ? last_id_.Int(0) : 0;
  if (found) last_id_.Reset();
  return id;
}

}  // namespace vakt
