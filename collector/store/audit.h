// SPDX-License-Identifier: Apache-2.0
// The audit log: who read alert data, who changed what. Entries are only ever added, and forgotten
// by age.
//
// Threads: AuditWriter belongs to the writer thread, AuditReader to its RecordReader.
#ifndef VAKT_COLLECTOR_STORE_AUDIT_H_
#define VAKT_COLLECTOR_STORE_AUDIT_H_

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "collector/store/sqlite.h"
#include "vakt/v1/admin.pb.h"

namespace vakt {

struct AuditQuery {
  int64_t since_ns = std::numeric_limits<int64_t>::min();
  int64_t until_ns = std::numeric_limits<int64_t>::max();
  std::string user;    // empty: any
  std::string method;  // empty: any
  int64_t before_id = std::numeric_limits<int64_t>::max();
  int64_t max_entries = 100;
};

struct AuditPage {
  std::vector<v1::AuditEntry> entries;  // newest first
  int64_t last_id = 0;                  // of the last one: the next page's before_id
  bool at_end = true;
};

class AuditWriter {
 public:
  absl::Status Prepare(Database& database);
  absl::Status Append(const v1::AuditEntry& entry);
  // Forgets at most `max_entries` of before `cutoff_ns`.
  absl::Status Prune(int64_t cutoff_ns, int64_t max_entries);

 private:
  Statement insert_, prune_;
};

class AuditReader {
 public:
  absl::Status Prepare(Database& database);
  absl::StatusOr<AuditPage> List(const AuditQuery& query);

 private:
  Statement list_;
};

}  // namespace vakt

#endif  // VAKT_COLLECTOR_STORE_AUDIT_H_
