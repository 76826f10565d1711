// SPDX-License-Identifier: Apache-2.0
#include "collector/store/sqlite.h"

#include <sqlite3.h>

#include <utility>

#include "common/base/strings.h"

namespace vakt {
namespace {

// A reader may meet the short exclusive lock of a WAL recovery or restart.
constexpr int kBusyTimeoutMs = 5000;

absl::StatusCode CodeOf(int result) {
  switch (result & 0xff) {  // the low byte is the primary result code
    case SQLITE_FULL:
    case SQLITE_NOMEM:
      return absl::StatusCode::kResourceExhausted;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return absl::StatusCode::kDataLoss;
    case SQLITE_IOERR:
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
      return absl::StatusCode::kUnavailable;
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_READONLY:
      return absl::StatusCode::kFailedPrecondition;
    default:
      return absl::StatusCode::kInternal;
  }
}

absl::Status ErrorOf(sqlite3* database) {
  const char* path = sqlite3_db_filename(database, "main");
  return {CodeOf(sqlite3_extended_errcode(database)),
          StrCat("store ", path == nullptr ? "" : path, ": ", sqlite3_errmsg(database))};
}

}  // namespace

void Statement::Finalize::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
void Database::Close::operator()(sqlite3* database) const { sqlite3_close(database); }

absl::Status Statement::Bind(int index, int64_t value) {
  if (sqlite3_bind_int64(statement_.get(), index, value) == SQLITE_OK) return absl::OkStatus();
  return ErrorOf(sqlite3_db_handle(statement_.get()));
}

absl::Status Statement::Bind(int index, std::string_view text) {
  // A null pointer would bind NULL: empty text needs an address.
  const char* data = text.empty() ? "" : text.data();
  if (sqlite3_bind_text64(statement_.get(), index, data, text.size(), SQLITE_STATIC, SQLITE_UTF8) ==
      SQLITE_OK) {
    return absl::OkStatus();
  }
  return ErrorOf(sqlite3_db_handle(statement_.get()));
}

absl::Status Statement::Bind(int index, Blob blob) {
  const char* data = blob.bytes.empty() ? "" : blob.bytes.data();
  if (sqlite3_bind_blob64(statement_.get(), index, data, blob.bytes.size(), SQLITE_STATIC) ==
      SQLITE_OK) {
    return absl::OkStatus();
  }
  return ErrorOf(sqlite3_db_handle(statement_.get()));
}

absl::Status Statement::BindNull(int index) {
  if (sqlite3_bind_null(statement_.get(), index) == SQLITE_OK) return absl::OkStatus();
  return ErrorOf(sqlite3_db_handle(statement_.get()));
}

absl::StatusOr<bool> Statement::Step() {
  const int result = sqlite3_step(statement_.get());
  if (result == SQLITE_ROW) return true;
  if (result == SQLITE_DONE) {
    Reset();
    return false;
  }
  absl::Status error = ErrorOf(sqlite3_db_handle(statement_.get()));
  Reset();
  return error;
}

absl::Status Statement::RunToEnd() {
  while (true) {
    VAKT_ASSIGN_OR_RETURN(const bool has_row, Step());
    if (!has_row) return absl::OkStatus();
  }
}

void Statement::Reset() {
  sqlite3_reset(statement_.get());  // its result repeats the error that Step already gave
}

int64_t Statement::Int(int column) const { return sqlite3_column_int64(statement_.get(), column); }

std::string_view Statement::Text(int column) const {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_.get(), column));
  if (text == nullptr) return {};
  return {text, static_cast<size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

std::string_view Statement::Bytes(int column) const {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_.get(), column));
  if (bytes == nullptr) return {};
  return {bytes, static_cast<size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

bool Statement::IsNull(int column) const {
  return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

absl::StatusOr<std::unique_ptr<Database>> Database::Open(const std::string& path, Mode mode) {
  const int flags =
      SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE |
      (mode == Mode::kReadOnly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
  sqlite3* handle = nullptr;
  const int result = sqlite3_open_v2(path.c_str(), &handle, flags, nullptr);
  if (handle == nullptr) return absl::ResourceExhaustedError("store: out of memory");
  std::unique_ptr<Database> database(new Database(handle));
  if (result != SQLITE_OK) {
    return absl::Status(CodeOf(result), StrCat("open store ", path, ": ", sqlite3_errmsg(handle)));
  }
  sqlite3_busy_timeout(handle, kBusyTimeoutMs);
  return database;
}

absl::Status Database::Execute(const std::string& sql) {
  if (sqlite3_exec(database_.get(), sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK) {
    return absl::OkStatus();
  }
  return ErrorOf(database_.get());
}

absl::StatusOr<Statement> Database::Prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v3(database_.get(), sql.data(), static_cast<int>(sql.size()),
                         SQLITE_PREPARE_PERSISTENT, &statement, nullptr) != SQLITE_OK) {
    return ErrorOf(database_.get());
  }
  return Statement(statement);
}

absl::StatusOr<std::string> Database::QueryText(std::string_view sql) {
  VAKT_ASSIGN_OR_RETURN(Statement statement, Prepare(sql));
  VAKT_ASSIGN_OR_RETURN(const bool has_row, statement.Step());
  return std::string(has_row ? statement.Text(0) : std::string_view());
}

int64_t Database::last_insert_id() const { return sqlite3_last_insert_rowid(database_.get()); }
int64_t Database::changed_rows() const { return sqlite3_changes64(database_.get()); }
bool Database::in_transaction() const { return sqlite3_get_autocommit(database_.get()) == 0; }

}  // namespace vakt
