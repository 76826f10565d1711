// SPDX-License-Identifier: Apache-2.0
#include "collector/store/triage.h"

#include <optional>

#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/base/text.h"
#include "common/time/wall_time.h"

namespace vakt {
namespace {

struct Row {
  int64_t status = 0;
  int64_t verdict = 0;
  std::string assignee;
  int64_t revision = 0;
};

absl::StatusOr<Row> ReadRow(Statement& find, int64_t record_id) {
  Row row;
  VAKT_RETURN_IF_ERROR(find.Start(record_id));
  VAKT_ASSIGN_OR_RETURN(const bool found, find.Step());
  if (!found) return row;
  row = {find.Int(0), find.Int(1), std::string(find.Text(2)), find.Int(3)};
  find.Reset();
  return row;
}

constexpr std::string_view kFind =
    "SELECT status, verdict, assignee, revision, changed_by, changed_ns FROM triage "
    "WHERE record_id = ?1";

// None: the change says nothing of the assignee.
std::optional<std::string> AssigneeOf(const v1::UpdateAlertRequest& request) {
  if (request.unassign()) return std::string();
  if (!request.assignee().empty()) return request.assignee();
  return std::nullopt;
}

}  // namespace

absl::Status TriageWriter::Prepare(Database& database) {
  const struct {
    Statement* statement;
    std::string_view sql;
  } statements[] = {
      {&find_record_, "SELECT id FROM record WHERE uid = ?1 ORDER BY id LIMIT 1"},
      {&find_, kFind},
      {&put_, "INSERT OR REPLACE INTO triage VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"},
      {&add_change_,
       "INSERT INTO triage_change (record_id, time_ns, user, status, verdict, assignee, note) "
       "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"},
      {&forget_, "DELETE FROM triage WHERE record_id = ?1"},
      {&forget_changes_, "DELETE FROM triage_change WHERE record_id = ?1"},
  };
  for (const auto& [statement, sql] : statements) {
    VAKT_ASSIGN_OR_RETURN(*statement, database.Prepare(sql));
  }
  return absl::OkStatus();
}

absl::Status TriageWriter::Update(const v1::UpdateAlertRequest& request, const std::string& user,
                                  int64_t now_ns) {
  VAKT_RETURN_IF_ERROR(find_record_.Start(request.uid()));
  VAKT_ASSIGN_OR_RETURN(const bool found, find_record_.Step());
  if (!found) {
    return absl::NotFoundError(StrCat("no alert has uid \"", EscapeUtf8(request.uid()), "\""));
  }
  const int64_t id = find_record_.Int(0);
  find_record_.Reset();
  VAKT_ASSIGN_OR_RETURN(Row row, ReadRow(find_, id));
  const auto expected = static_cast<int64_t>(request.expected_revision());
  if (expected != 0 && expected != row.revision) {
    return absl::FailedPreconditionError(StrCat("the alert is at revision ", row.revision, ", not ",
                                                expected,
                                                ": somebody else has changed it meanwhile"));
  }
  if (row.status == 0) row.status = v1::ALERT_STATUS_NEW;
  if (request.status() != 0) row.status = request.status();
  if (request.verdict() != 0) row.verdict = request.verdict();
  const std::optional<std::string> assignee = AssigneeOf(request);
  if (assignee.has_value()) row.assignee = *assignee;
  VAKT_RETURN_IF_ERROR(
      put_.Run(id, row.status, row.verdict, row.assignee, row.revision + 1, user, now_ns));
  return add_change_.Run(id, now_ns, user, static_cast<int>(request.status()),
                         static_cast<int>(request.verdict()), assignee, request.note());
}

absl::Status TriageWriter::Forget(int64_t record_id) {
  VAKT_RETURN_IF_ERROR(forget_.Run(record_id));
  return forget_changes_.Run(record_id);
}

absl::Status TriageReader::Prepare(Database& database) {
  VAKT_ASSIGN_OR_RETURN(find_, database.Prepare(kFind));
  VAKT_ASSIGN_OR_RETURN(
      changes_, database.Prepare("SELECT time_ns, user, status, verdict, assignee, note FROM "
                                 "triage_change WHERE record_id = ?1 ORDER BY id"));
  return absl::OkStatus();
}

absl::Status TriageReader::Load(int64_t record_id, v1::StoredRecord* out) {
  VAKT_RETURN_IF_ERROR(find_.Start(record_id));
  VAKT_ASSIGN_OR_RETURN(const bool found, find_.Step());
  if (!found) return absl::OkStatus();
  v1::Triage* triage = out->mutable_triage();
  triage->set_status(static_cast<v1::AlertStatus>(find_.Int(0)));
  triage->set_verdict(static_cast<v1::Verdict>(find_.Int(1)));
  triage->set_assignee(std::string(find_.Text(2)));
  triage->set_revision(static_cast<uint64_t>(find_.Int(3)));
  triage->set_changed_by(std::string(find_.Text(4)));
  FromWallNs(find_.Int(5), triage->mutable_changed());
  find_.Reset();
  return absl::OkStatus();
}

absl::StatusOr<std::vector<v1::TriageChange>> TriageReader::Changes(int64_t record_id) {
  std::vector<v1::TriageChange> changes;
  VAKT_RETURN_IF_ERROR(changes_.Start(record_id));
  while (true) {
    VAKT_ASSIGN_OR_RETURN(const bool has_row, changes_.Step());
    if (!has_row) return changes;
    v1::TriageChange& change = changes.emplace_back();
    FromWallNs(changes_.Int(0), change.mutable_time());
    change.set_user(std::string(changes_.Text(1)));
    change.set_status(static_cast<v1::AlertStatus>(changes_.Int(2)));
    change.set_verdict(static_cast<v1::Verdict>(changes_.Int(3)));
    if (!changes_.IsNull(4)) {
      const std::string assignee(changes_.Text(4));
      if (assignee.empty()) change.set_unassign(true);
      if (!assignee.empty()) change.set_assignee(assignee);
    }
    change.set_note(std::string(changes_.Text(5)));
  }
}

}  // namespace vakt
