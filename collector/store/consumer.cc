// SPDX-License-Identifier: Apache-2.0
#include "collector/store/consumer.h"

#include <algorithm>

#include "common/base/status.h"
#include "common/base/strings.h"

namespace vakt {
namespace {

// A user's mistake, such as a new name per connection, must not fill the store.
constexpr int64_t kMaxPerUser = 100;

}  // namespace

absl::Status ConsumerWriter::Prepare(Database& database) {
  const struct {
    Statement* statement;
    std::string_view sql;
  } statements[] = {
      {&find_, "SELECT acknowledged_id FROM consumer WHERE user = ?1 AND name = ?2"},
      {&count_, "SELECT count(*) FROM consumer WHERE user = ?1"},
      {&insert_,
       "INSERT INTO consumer (user, name, acknowledged_id, created_ns) VALUES (?1, ?2, ?3, ?4)"},
      {&acknowledge_,
       "UPDATE consumer SET acknowledged_id = max(acknowledged_id, ?3), acknowledged_ns = ?4 "
       "WHERE user = ?1 AND name = ?2"},
      {&delete_, "DELETE FROM consumer WHERE user = ?1 AND name = ?2"},
  };
  for (const auto& [statement, sql] : statements) {
    VAKT_ASSIGN_OR_RETURN(*statement, database.Prepare(sql));
  }
  return absl::OkStatus();
}

absl::StatusOr<int64_t> ConsumerWriter::Find(const ConsumerKey& key) {
  VAKT_RETURN_IF_ERROR(find_.Start(key.user, key.name));
  VAKT_ASSIGN_OR_RETURN(const bool found, find_.Step());
  if (!found) {
    return absl::NotFoundError(
        StrCat("user ", key.user, " has no consumer ", key.name, ": Subscribe makes it"));
  }
  const int64_t id = find_.Int(0);
  find_.Reset();
  return id;
}

absl::StatusOr<int64_t> ConsumerWriter::Open(const ConsumerKey& key, int64_t start_id,
                                             int64_t now_ns) {
  const absl::StatusOr<int64_t> known = Find(key);
  if (known.ok() || !absl::IsNotFound(known.status())) return known;
  VAKT_RETURN_IF_ERROR(count_.Start(key.user));
  VAKT_RETURN_IF_ERROR(count_.Step().status());
  const int64_t count = count_.Int(0);
  count_.Reset();
  if (count >= kMaxPerUser) {
    return absl::FailedPreconditionError(StrCat("user ", key.user, " has ", count,
                                                " consumers already, which is the limit: "
                                                "DeleteConsumer"));
  }
  VAKT_RETURN_IF_ERROR(insert_.Run(key.user, key.name, start_id, now_ns));
  return start_id;
}

absl::StatusOr<int64_t> ConsumerWriter::Acknowledge(const ConsumerKey& key, int64_t id,
                                                    int64_t now_ns) {
  VAKT_ASSIGN_OR_RETURN(const int64_t stands, Find(key));
  VAKT_RETURN_IF_ERROR(acknowledge_.Run(key.user, key.name, id, now_ns));
  return std::max(stands, id);
}

absl::Status ConsumerWriter::Delete(const ConsumerKey& key) {
  VAKT_RETURN_IF_ERROR(Find(key).status());
  return delete_.Run(key.user, key.name);
}

absl::Status ConsumerReader::Prepare(Database& database) {
  VAKT_ASSIGN_OR_RETURN(
      list_, database.Prepare("SELECT user, name, acknowledged_id, created_ns, acknowledged_ns "
                              "FROM consumer WHERE ?1 = '' OR user = ?1 ORDER BY user, name"));
  return absl::OkStatus();
}

absl::StatusOr<std::vector<ConsumerRow>> ConsumerReader::List(const std::string& user) {
  std::vector<ConsumerRow> rows;
  VAKT_RETURN_IF_ERROR(list_.Start(user));
  while (true) {
    VAKT_ASSIGN_OR_RETURN(const bool has_row, list_.Step());
    if (!has_row) return rows;
    rows.push_back({{std::string(list_.Text(0)), std::string(list_.Text(1))},
                    list_.Int(2),
                    list_.Int(3),
                    list_.Int(4)});
  }
}

}  // namespace vakt
