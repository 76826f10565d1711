// SPDX-License-Identifier: Apache-2.0
// SQLite with owners and statuses; the only place that calls its C interface.
//
//   VAKT_ASSIGN_OR_RETURN(Statement find, database.Prepare("SELECT name FROM rule WHERE id = ?1"));
//   VAKT_RETURN_IF_ERROR(find.Start(int64_t{7}));
//   VAKT_ASSIGN_OR_RETURN(const bool found, find.Step());
//   if (found) Use(find.Text(0));  // valid until the next Step, Start or Run
//
// Errors: RESOURCE_EXHAUSTED when the disk or the size limit is full, DATA_LOSS when the file is
// damaged, UNAVAILABLE for I/O errors and locks, FAILED_PRECONDITION for access rights.
//
// Threads: a connection and its statements belong to one thread at a time. Statements go before
// their connection.
#ifndef VAKT_COLLECTOR_STORE_SQLITE_H_
#define VAKT_COLLECTOR_STORE_SQLITE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/status.h"

struct sqlite3;
struct sqlite3_stmt;

namespace vakt {

// Marks bytes to be bound as a BLOB, not as text.
struct Blob {
  std::string_view bytes;
};

class Statement {
 public:
  Statement() = default;

  // Binds ?1, ?2, ... and runs to the end; result rows are passed over. Bound views must live
  // until it returns.
  template <typename... Values>
  absl::Status Run(const Values&... values) {
    VAKT_RETURN_IF_ERROR(Start(values...));
    return RunToEnd();
  }

  // Binds and leaves the rows to Step. Bound views must live until the last Step.
  template <typename... Values>
  absl::Status Start(const Values&... values) {
    Reset();
    int index = 0;
    absl::Status status;
    ((status.Update(Bind(++index, values))), ...);
    return status;
  }

  // False: no more rows.
  absl::StatusOr<bool> Step();

  // Ends the current execution: a statement that was left in the middle keeps its read transaction.
  void Reset();

  // Columns of the current row, from 0. Text and Bytes are views into it.
  int64_t Int(int column) const;
  std::string_view Text(int column) const;
  std::string_view Bytes(int column) const;
  bool IsNull(int column) const;

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}
  friend class Database;

  absl::Status Bind(int index, int64_t value);
  absl::Status Bind(int index, int value) { return Bind(index, int64_t{value}); }
  absl::Status Bind(int index, std::string_view text);
  absl::Status Bind(int index, const std::string& text) {
    return Bind(index, std::string_view(text));
  }
  absl::Status Bind(int index, Blob blob);
  template <typename Value>
  absl::Status Bind(int index, const std::optional<Value>& value) {
    return value.has_value() ? Bind(index, *value) : BindNull(index);
  }
  absl::Status BindNull(int index);
  absl::Status RunToEnd();

  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

class Database {
 public:
  enum class Mode { kReadWrite, kReadOnly };

  // kReadWrite makes the file when there is none.
  static absl::StatusOr<std::unique_ptr<Database>> Open(const std::string& path, Mode mode);

  // One or more statements without parameters.
  absl::Status Execute(const std::string& sql);
  absl::StatusOr<Statement> Prepare(std::string_view sql);

  // The first row's first column; for pragmas and counts. Empty when there is no row.
  absl::StatusOr<std::string> QueryText(std::string_view sql);

  int64_t last_insert_id() const;
  // Rows that the last INSERT, UPDATE or DELETE changed.
  int64_t changed_rows() const;
  bool in_transaction() const;

 private:
  struct Close {
    void operator()(sqlite3* database) const;
  };
  explicit Database(sqlite3* database) : database_(database) {}

  std::unique_ptr<sqlite3, Close> database_;
};

}  // namespace vakt

#endif  // VAKT_COLLECTOR_STORE_SQLITE_H_
