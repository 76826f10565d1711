// SPDX-License-Identifier: Apache-2.0
#include "collector/store/audit.h"

#include "common/base/status.h"
#include "common/time/wall_time.h"

namespace vakt {
namespace {

enum Column { kId, kTime, kUser, kRole, kVia, kPeer, kMethod, kOutcome, kRecords, kDetail };

std::string TextOf(const Statement& row, Column column) { return std::string(row.Text(column)); }

void Read(const Statement& row, v1::AuditEntry* entry) {
  FromWallNs(row.Int(kTime), entry->mutable_time());
  entry->set_user(TextOf(row, kUser));
  entry->set_role(TextOf(row, kRole));
  entry->set_via(TextOf(row, kVia));
  entry->set_peer(TextOf(row, kPeer));
  entry->set_method(TextOf(row, kMethod));
  entry->set_outcome(TextOf(row, kOutcome));
  entry->set_records(static_cast<uint64_t>(row.Int(kRecords)));
  entry->set_detail(TextOf(row, kDetail));
}

}  // namespace

absl::Status AuditWriter::Prepare(Database& database) {
  VAKT_ASSIGN_OR_RETURN(
      insert_, database.Prepare("INSERT INTO audit (time_ns, user, role, via, peer, method, "
                                "outcome, records, detail) "
                                "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"));
  VAKT_ASSIGN_OR_RETURN(
      prune_, database.Prepare("DELETE FROM audit WHERE id IN "
                               "(SELECT id FROM audit WHERE time_ns < ?1 ORDER BY id LIMIT ?2)"));
  return absl::OkStatus();
}

absl::Status AuditWriter::Append(const v1::AuditEntry& entry) {
  return insert_.Run(ToWallNs(entry.time()), entry.user(), entry.role(), entry.via(), entry.peer(),
                     entry.method(), entry.outcome(), static_cast<int64_t>(entry.records()),
                     entry.detail());
}

absl::Status AuditWriter::Prune(int64_t cutoff_ns, int64_t max_entries) {
  return prune_.Run(cutoff_ns, max_entries);
}

absl::Status AuditReader::Prepare(Database& database) {
  VAKT_ASSIGN_OR_RETURN(
      list_, database.Prepare("SELECT id, time_ns, user, role, via, peer, method, outcome, "
                              "records, detail FROM audit WHERE id < ?1 AND time_ns >= ?2 AND "
                              "time_ns < ?3 AND (?4 = '' OR user = ?4) AND "
                              "(?5 = '' OR method = ?5) ORDER BY id DESC LIMIT ?6"));
  return absl::OkStatus();
}

absl::StatusOr<AuditPage> AuditReader::List(const AuditQuery& query) {
  AuditPage page;
  // One more than asked for: it tells whether there is a next page.
  VAKT_RETURN_IF_ERROR(list_.Start(query.before_id, query.since_ns, query.until_ns, query.user,
                                   query.method, query.max_entries + 1));
  while (true) {
    VAKT_ASSIGN_OR_RETURN(const bool has_row, list_.Step());
    if (!has_row) return page;
    if (static_cast<int64_t>(page.entries.size()) == query.max_entries) break;
    page.last_id = list_.Int(kId);
    Read(list_, &page.entries.emplace_back());
  }
  list_.Reset();
  page.at_end = false;
  return page;
}

}  // namespace vakt
