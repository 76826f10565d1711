// SPDX-License-Identifier: Apache-2.0
// What people have found out about alerts: where each stands, and every change that led there.
//
// Threads: TriageWriter belongs to the writer thread, TriageReader to its RecordReader.
#ifndef VAKT_COLLECTOR_STORE_TRIAGE_H_
#define VAKT_COLLECTOR_STORE_TRIAGE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "collector/store/sqlite.h"
#include "vakt/v1/query.pb.h"

namespace vakt {

class TriageWriter {
 public:
  absl::Status Prepare(Database& database);
  // NOT_FOUND; FAILED_PRECONDITION when the revision is not the expected one.
  absl::Status Update(const v1::UpdateAlertRequest& request, const std::string& user,
                      int64_t now_ns);
  // With its record.
  absl::Status Forget(int64_t record_id);

 private:
  Statement find_record_, find_, put_, add_change_, forget_, forget_changes_;
};

class TriageReader {
 public:
  absl::Status Prepare(Database& database);
  // Leaves `out` as it is when nobody has touched the alert.
  absl::Status Load(int64_t record_id, v1::StoredRecord* out);
  absl::StatusOr<std::vector<v1::TriageChange>> Changes(int64_t record_id);

 private:
  Statement find_, changes_;
};

}  // namespace vakt

#endif  // VAKT_COLLECTOR_STORE_TRIAGE_H_
