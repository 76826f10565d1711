// SPDX-License-Identifier: Apache-2.0
#include "collector/query/query_handler.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/time/clock.h"
#include "common/base/status.h"

namespace vakt {
namespace {

constexpr uint32_t kDefaultPageSize = 100;
constexpr uint32_t kMaxPageSize = 1000;
constexpr size_t kMaxUidBytes = 1024;

absl::StatusOr<ScanRequest> StartOfPage(const Store& store, const v1::QueryRequest& request) {
  ScanRequest scan;
  scan.direction = request.oldest_first() ? Direction::kOldestFirst : Direction::kNewestFirst;
  scan.after_id = request.oldest_first() ? 0 : std::numeric_limits<int64_t>::max();
  scan.max_records =
      request.page_size() == 0 ? kDefaultPageSize : std::min(request.page_size(), kMaxPageSize);
  if (!request.page_token().empty()) {
    VAKT_ASSIGN_OR_RETURN(scan.after_id, store.IdOf(request.page_token()));
  }
  return scan;
}

}  // namespace

absl::Status QueryHandler::Query(const v1::QueryRequest& request,
                                 absl::FunctionRef<bool()> cancelled,
                                 v1::QueryResponse* response) const {
  VAKT_ASSIGN_OR_RETURN(const RecordFilter filter, RecordFilter::Create(request.filter()));
  VAKT_ASSIGN_OR_RETURN(ScanRequest scan, StartOfPage(store_, request));
  const absl::Time deadline = absl::Now() + budget_;
  bool at_end = false;
  // A scan gives at least one record, so the last one can overshoot the bytes by that one.
  while (!at_end && scan.max_records > 0 && scan.max_bytes > 0 && absl::Now() < deadline) {
    if (cancelled()) return absl::CancelledError("the caller has gone");
    VAKT_ASSIGN_OR_RETURN(ScanResult result, store_.Scan(filter, scan));
    for (v1::StoredRecord& record : result.records) {
      scan.max_bytes -= std::min(scan.max_bytes, record.ByteSizeLong());
      *response->add_records() = std::move(record);
    }
    scan.max_records -= result.records.size();
    scan.after_id = result.position;
    at_end = result.at_end;
  }
  if (!at_end && !IsLast(filter, scan)) {
    response->set_next_page_token(store_.CursorOf(scan.after_id));
  }
  return absl::OkStatus();
}

bool QueryHandler::IsLast(const RecordFilter& filter, ScanRequest scan) const {
  scan.max_records = 1;
  scan.budget = absl::Milliseconds(50);
  const absl::StatusOr<ScanResult> rest = store_.Scan(filter, scan);
  return rest.ok() && rest->at_end && rest->records.empty();
}

absl::Status QueryHandler::GetAlert(const v1::GetAlertRequest& request,
                                    v1::StoredRecord* response) const {
  if (request.uid().empty() || request.uid().size() > kMaxUidBytes) {
    return absl::InvalidArgumentError("uid is empty or too long");
  }
  VAKT_ASSIGN_OR_RETURN(*response, store_.FindAlert(request.uid()));
  return absl::OkStatus();
}

}  // namespace vakt
