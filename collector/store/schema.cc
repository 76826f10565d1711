// SPDX-License-Identifier: Apache-2.0
#include "collector/store/schema.h"

#include <charconv>
#include <iterator>
#include <string>
#include <string_view>

#include "common/base/status.h"
#include "common/base/strings.h"

namespace vakt {
namespace {

// "Vakt" in ASCII: marks the file as ours (PRAGMA application_id).
constexpr int kApplicationId = 0x56616b74;

// The tables in words:
//   node     one row per certificate identity, with its newest hello and heartbeat
//   run      one row per run of a node's agent that sent records; the newest row is where the
//            node's stream stands. Kept when its records expire: stored_seq and pruned_seq are what
//            makes a late replay a duplicate
//   rule     names of rules, once each
//   record   what filters read, small, so that scanning is quick. id is the order of storing and
//            the cursor: never reused
//   payload  the record itself, as encoded by the agent
//   span     the extremes of event time over 4,096 ids, so that scans skip what cannot match
constexpr std::string_view kFirstTables = R"sql(
  CREATE TABLE identity (store_id TEXT NOT NULL) STRICT;
  INSERT INTO identity VALUES (lower(hex(randomblob(8))));

  CREATE TABLE node (
    id INTEGER PRIMARY KEY,
    cluster TEXT NOT NULL,
    node TEXT NOT NULL,
    first_seen_ns INTEGER NOT NULL,
    last_seen_ns INTEGER NOT NULL,
    hello BLOB NOT NULL,
    heartbeat BLOB,
    alerts INTEGER NOT NULL DEFAULT 0,
    gaps INTEGER NOT NULL DEFAULT 0,
    duplicates INTEGER NOT NULL DEFAULT 0,
    UNIQUE (cluster, node)
  ) STRICT;

  CREATE TABLE run (
    id INTEGER PRIMARY KEY,
    node_id INTEGER NOT NULL,
    boot_id TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    stored_seq INTEGER NOT NULL DEFAULT 0,
    pruned_seq INTEGER NOT NULL DEFAULT 0,
    UNIQUE (node_id, boot_id, epoch)
  ) STRICT;
  CREATE INDEX run_by_node ON run (node_id, id);

  CREATE TABLE rule (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
  ) STRICT;

  CREATE TABLE record (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    node_id INTEGER NOT NULL,
    run_id INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    priority INTEGER,
    rule_id INTEGER,
    event_ns INTEGER NOT NULL,
    received_ns INTEGER NOT NULL,
    uid TEXT,
    UNIQUE (run_id, seq)
  ) STRICT;
  CREATE INDEX record_by_uid ON record (uid) WHERE uid IS NOT NULL;

  CREATE TABLE payload (
    id INTEGER PRIMARY KEY,
    bytes BLOB NOT NULL
  ) STRICT;

  CREATE TABLE span (
    id INTEGER PRIMARY KEY,
    oldest_event_ns INTEGER NOT NULL,
    newest_event_ns INTEGER NOT NULL
  ) STRICT;
)sql";

// Where each node's chain stands; records that the collector writes itself belong to node 0.
constexpr std::string_view kChains = R"sql(
  ALTER TABLE node ADD COLUMN chain_epoch INTEGER;
  ALTER TABLE node ADD COLUMN chain_seq INTEGER;
  ALTER TABLE node ADD COLUMN chain_hash BLOB;
  ALTER TABLE node ADD COLUMN chain_breaks INTEGER NOT NULL DEFAULT 0;
  INSERT INTO node (id, cluster, node, first_seen_ns, last_seen_ns, hello)
    VALUES (0, '', '', 0, 0, x'');
)sql";

constexpr std::string_view kAudit = R"sql(
  CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    time_ns INTEGER NOT NULL,
    user TEXT NOT NULL,
    role TEXT NOT NULL,
    via TEXT NOT NULL,
    peer TEXT NOT NULL,
    method TEXT NOT NULL,
    outcome TEXT NOT NULL,
    records INTEGER NOT NULL,
    detail TEXT NOT NULL
  ) STRICT;
)sql";

// state: one row of what else the store remembers. pruned_id: the newest record that was deleted.
constexpr std::string_view kConsumers = R"sql(
  CREATE TABLE consumer (
    user TEXT NOT NULL,
    name TEXT NOT NULL,
    acknowledged_id INTEGER NOT NULL,
    created_ns INTEGER NOT NULL,
    acknowledged_ns INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (user, name)
  ) STRICT;
  CREATE TABLE state (pruned_id INTEGER NOT NULL) STRICT;
  INSERT INTO state SELECT ifnull((SELECT min(id) FROM record) - 1,
    ifnull((SELECT seq FROM sqlite_sequence WHERE name = 'record'), 0));
)sql";

// search: which alerts have a word or a key (filter/search_terms.h); without the texts themselves,
// which are in the payloads. state.indexed_id: records up to here are older than the index.
constexpr std::string_view kTriageAndSearch = R"sql(
  CREATE TABLE triage (
    record_id INTEGER PRIMARY KEY,
    status INTEGER NOT NULL,
    verdict INTEGER NOT NULL,
    assignee TEXT NOT NULL,
    revision INTEGER NOT NULL,
    changed_by TEXT NOT NULL,
    changed_ns INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE triage_change (
    id INTEGER PRIMARY KEY,
    record_id INTEGER NOT NULL,
    time_ns INTEGER NOT NULL,
    user TEXT NOT NULL,
    status INTEGER NOT NULL,
    verdict INTEGER NOT NULL,
    assignee TEXT,
    note TEXT NOT NULL
  ) STRICT;
  CREATE INDEX triage_change_by_record ON triage_change (record_id, id);
  CREATE VIRTUAL TABLE search USING fts5(
    terms, content = '', detail = none, columnsize = 0, tokenize = 'ascii');
  ALTER TABLE state ADD COLUMN indexed_id INTEGER NOT NULL DEFAULT 0;
  UPDATE state SET indexed_id =
    ifnull((SELECT seq FROM sqlite_sequence WHERE name = 'record'), 0);
)sql";

// Conditions of nodes that are open (fleet/condition_table.h).
constexpr std::string_view kConditions = R"sql(
  CREATE TABLE condition (
    cluster TEXT NOT NULL,
    node TEXT NOT NULL,
    name TEXT NOT NULL,
    opened_ns INTEGER NOT NULL,
    detail TEXT NOT NULL,
    PRIMARY KEY (cluster, node, name)
  ) STRICT, WITHOUT ROWID;
)sql";

// Flows outnumber everything else: what does not ask for them passes them by.
constexpr std::string_view kFlows = R"sql(
  CREATE INDEX record_without_flows ON record (id) WHERE kind <> 4;
)sql";

// malformed: what nodes sent that is no record (malformed.h).
constexpr std::string_view kMalformed = R"sql(
  CREATE TABLE malformed (
    id INTEGER PRIMARY KEY,
    node_id INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    received_ns INTEGER NOT NULL,
    reason TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    bytes BLOB NOT NULL
  ) STRICT;
  CREATE INDEX malformed_by_node ON malformed (node_id, id);
  ALTER TABLE node ADD COLUMN malformed INTEGER NOT NULL DEFAULT 0;
)sql";

// forgotten_ns: the node is gone for good; NULL: it is not.
constexpr std::string_view kForgotten = R"sql(
  ALTER TABLE node ADD COLUMN forgotten_ns INTEGER;
)sql";

// state.retention_ns: the latest time that records have expired by (retention_clock.h).
constexpr std::string_view kRetentionTime = R"sql(
  ALTER TABLE state ADD COLUMN retention_ns INTEGER NOT NULL DEFAULT 0;
)sql";

// state.pruned_id is of records other than flows from here on: flows expire long before the others,
// and a reader of alerts does not miss them.
constexpr std::string_view kPrunedFlows = R"sql(
  ALTER TABLE state ADD COLUMN pruned_flow_id INTEGER NOT NULL DEFAULT 0;
  UPDATE state SET pruned_flow_id = pruned_id;
)sql";

struct Migration {
  std::string_view name;
  std::string_view sql;
};

// Row n brings a store from version n to n + 1. Rows are only ever appended.
constexpr Migration kMigrations[] = {
    {"first tables", kFirstTables},
    {"chains", kChains},
    {"audit", kAudit},
    {"consumers", kConsumers},
    {"triage and search", kTriageAndSearch},
    {"conditions", kConditions},
    {"flows", kFlows},
    {"malformed records", kMalformed},
    {"forgotten nodes", kForgotten},
    {"retention time", kRetentionTime},
    {"deleted flows", kPrunedFlows},
};

constexpr std::string_view kVersionTable = R"sql(
  CREATE TABLE IF NOT EXISTS schema_version (
    version INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    applied_ns INTEGER NOT NULL
  ) STRICT
)sql";

absl::StatusOr<int> QueryInt(Database& database, std::string_view sql) {
  VAKT_ASSIGN_OR_RETURN(const std::string text, database.QueryText(sql));
  int value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

absl::Status ClaimFile(Database& database) {
  VAKT_ASSIGN_OR_RETURN(const int application_id, QueryInt(database, "PRAGMA application_id"));
  if (application_id == kApplicationId) return absl::OkStatus();
  VAKT_ASSIGN_OR_RETURN(const int tables, QueryInt(database, "SELECT count(*) FROM sqlite_schema"));
  if (application_id != 0 || tables != 0) {
    return absl::FailedPreconditionError(
        "the store is another program's database: choose another --data-dir");
  }
  return database.Execute(StrCat("PRAGMA application_id = ", kApplicationId));
}

absl::Status Apply(Database& database, int version, int64_t now_wall_ns) {
  const Migration& migration = kMigrations[version];
  VAKT_RETURN_IF_ERROR(database.Execute(std::string(migration.sql)));
  VAKT_ASSIGN_OR_RETURN(Statement insert,
                        database.Prepare("INSERT INTO schema_version VALUES (?1, ?2, ?3)"));
  return insert.Run(version + 1, migration.name, now_wall_ns);
}

}  // namespace

int SchemaVersion() { return static_cast<int>(std::size(kMigrations)); }

absl::Status MigrateSchema(Database& database, int64_t now_wall_ns) {
  VAKT_RETURN_IF_ERROR(ClaimFile(database));
  VAKT_RETURN_IF_ERROR(database.Execute(std::string(kVersionTable)));
  VAKT_ASSIGN_OR_RETURN(const int version,
                        QueryInt(database, "SELECT ifnull(max(version), 0) FROM schema_version"));
  if (version > SchemaVersion()) {
    return absl::FailedPreconditionError(StrCat("the store has schema version ", version,
                                                ", this collector knows ", SchemaVersion(),
                                                ": run the newer vakt-collector"));
  }
  for (int next = version; next < SchemaVersion(); ++next) {
    VAKT_RETURN_IF_ERROR(database.Execute("BEGIN IMMEDIATE"));
    absl::Status status = Apply(database, next, now_wall_ns);
    if (status.ok()) status = database.Execute("COMMIT");
    if (!status.ok()) {
      if (database.in_transaction()) database.Execute("ROLLBACK").IgnoreError();
      return absl::Status(status.code(), StrCat("schema step ", next + 1, " \"",
                                                kMigrations[next].name, "\": ", Message(status)));
    }
  }
  return absl::OkStatus();
}

}  // namespace vakt
