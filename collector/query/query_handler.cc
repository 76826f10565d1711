// SPDX-License-Identifier: Apache-2.0
#include "collector/query/query_handler.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <utility>

#include "absl/time/clock.h"
#include "collector/query/format.h"
#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/base/wakeup.h"

namespace vakt {
namespace {

constexpr uint32_t kDefaultPageSize = 100;
constexpr uint32_t kMaxPageSize = 1000;
constexpr size_t kMaxUidBytes = 1024;
constexpr size_t kMaxAssigneeBytes = 253;
constexpr size_t kMaxNoteBytes = 16 << 10;
constexpr uint32_t kDefaultContextSeconds = 300;
constexpr uint32_t kMaxContextSeconds = 3600;
constexpr size_t kContextRecords = 200;
constexpr size_t kContextBytes = 2 << 20;

template <typename Request>
absl::StatusOr<ScanRequest> StartOfPage(const Store& store, const Request& request) {
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
  return Page(request, filter, cancelled, response);
}

absl::Status QueryHandler::ListFlows(const v1::ListFlowsRequest& request,
                                     absl::FunctionRef<bool()> cancelled,
                                     v1::ListFlowsResponse* response) const {
  VAKT_ASSIGN_OR_RETURN(const RecordFilter filter, RecordFilter::OfFlows(request.filter()));
  return Page(request, filter, cancelled, response);
}

template <typename Request, typename Response>
absl::Status QueryHandler::Page(const Request& request, const RecordFilter& filter,
                                absl::FunctionRef<bool()> cancelled, Response* response) const {
  VAKT_ASSIGN_OR_RETURN(ScanRequest scan, StartOfPage(store_, request));
  const absl::Time deadline = SteadyNow() + budget_;
  bool at_end = false;
  // A scan gives at least one record, so the last one can overshoot the bytes by that one.
  while (!at_end && scan.max_records > 0 && scan.max_bytes > 0 && SteadyNow() < deadline) {
    if (cancelled()) return absl::CancelledError("the caller has gone");
    VAKT_ASSIGN_OR_RETURN(ScanResult result, store_.Scan(filter, scan));
    for (v1::StoredRecord& record : result.records) {
      scan.max_bytes -= std::min(scan.max_bytes, record.ByteSizeLong());
      InFormat(request.format(), &record);
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
  if (request.with_context()) VAKT_RETURN_IF_ERROR(AddContext(request, response));
  InFormat(request.format(), response);
  return absl::OkStatus();
}

absl::Status QueryHandler::AddContext(const v1::GetAlertRequest& request,
                                      v1::StoredRecord* alert) const {
  v1::AlertContext* context = alert->mutable_context();
  VAKT_ASSIGN_OR_RETURN(const int64_t id, store_.IdOf(alert->cursor()));
  VAKT_ASSIGN_OR_RETURN(std::vector<v1::TriageChange> changes, store_.TriageChanges(id));
  for (v1::TriageChange& change : changes) *context->add_changes() = std::move(change);

  const int64_t seconds = request.context_seconds() == 0
                              ? kDefaultContextSeconds
                              : std::min(request.context_seconds(), kMaxContextSeconds);
  const v1::Alert& about = alert->record().alert();
  v1::Filter filter;
  filter.add_nodes(alert->node());
  filter.set_include_gaps(true);
  filter.mutable_since()->set_seconds(about.time().seconds() - seconds);
  filter.mutable_until()->set_seconds(about.time().seconds() + seconds + 1);
  VAKT_ASSIGN_OR_RETURN(const RecordFilter around, RecordFilter::Create(filter));
  // Beginning near the alert: a busy node has more than fits.
  VAKT_ASSIGN_OR_RETURN(ScanResult before,
                        store_.Scan(around, {.direction = Direction::kNewestFirst,
                                             .after_id = id,
                                             .max_records = kContextRecords / 2,
                                             .max_bytes = kContextBytes / 2}));
  VAKT_ASSIGN_OR_RETURN(ScanResult after,
                        store_.Scan(around, {.after_id = id,
                                             .max_records = kContextRecords - before.records.size(),
                                             .max_bytes = kContextBytes / 2}));
  std::reverse(before.records.begin(), before.records.end());
  std::move(after.records.begin(), after.records.end(), std::back_inserter(before.records));
  const uint64_t process = about.event().task().cookie();
  for (v1::StoredRecord& record : before.records) {
    if (record.cluster() != alert->cluster()) continue;  // a node of the same name elsewhere
    const v1::Alert& other = record.record().alert();
    const bool same = process != 0 && other.event().task().cookie() == process;
    if (same) context->add_same_process(other.uid());
    InFormat(request.format(), &record);
    *context->add_around() = std::move(record);
  }
  context->set_around_complete(before.at_end && after.at_end);
  return absl::OkStatus();
}

absl::Status QueryHandler::UpdateAlert(const v1::UpdateAlertRequest& request,
                                       const std::string& user, v1::StoredRecord* response) const {
  if (request.uid().empty() || request.uid().size() > kMaxUidBytes) {
    return absl::InvalidArgumentError("uid is empty or too long");
  }
  if (!v1::AlertStatus_IsValid(request.status()) || !v1::Verdict_IsValid(request.verdict())) {
    return absl::InvalidArgumentError("status or verdict is none that this collector knows");
  }
  if (request.assignee().size() > kMaxAssigneeBytes || request.note().size() > kMaxNoteBytes) {
    return absl::InvalidArgumentError(StrCat("assignee or note is longer than ", kMaxAssigneeBytes,
                                             " or ", kMaxNoteBytes, " bytes"));
  }
  const bool empty = request.status() == 0 && request.verdict() == 0 &&
                     request.assignment_case() == v1::UpdateAlertRequest::ASSIGNMENT_NOT_SET &&
                     request.note().empty();
  if (empty) return absl::InvalidArgumentError("the request changes nothing");
  VAKT_RETURN_IF_ERROR(store_.UpdateAlert(request, user));
  VAKT_ASSIGN_OR_RETURN(*response, store_.FindAlert(request.uid()));
  return absl::OkStatus();
}

}  // namespace vakt
