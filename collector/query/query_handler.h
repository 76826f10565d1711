// SPDX-License-Identifier: Apache-2.0
// Questions about the past: pages of stored records, and one alert by its uid.
//
// A page ends when it is full, at a size that every client can receive, or when the time for one
// call is over; in the last two cases it may hold fewer records than asked, even none, and still
// have a next page.
//
// Threads: thread-safe; a call blocks on the disk.
#ifndef VAKT_COLLECTOR_QUERY_QUERY_HANDLER_H_
#define VAKT_COLLECTOR_QUERY_QUERY_HANDLER_H_

#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "collector/store/store.h"
#include "vakt/v1/flows_query.pb.h"
#include "vakt/v1/query.pb.h"

namespace vakt {

class QueryHandler {
 public:
  // The store must outlive it.
  explicit QueryHandler(Store* store, absl::Duration budget = absl::Seconds(5))
      : store_(*store), budget_(budget) {}

  // `cancelled` is asked now and then: the caller has gone, the work can stop. INVALID_ARGUMENT for
  // a filter or page token that cannot be, FAILED_PRECONDITION for a token of another store.
  absl::Status Query(const v1::QueryRequest& request, absl::FunctionRef<bool()> cancelled,
                     v1::QueryResponse* response) const;
  // Likewise of flow records.
  absl::Status ListFlows(const v1::ListFlowsRequest& request, absl::FunctionRef<bool()> cancelled,
                         v1::ListFlowsResponse* response) const;
  absl::Status GetAlert(const v1::GetAlertRequest& request, v1::StoredRecord* response) const;
  // By `user`. Answers with the alert as it is then.
  absl::Status UpdateAlert(const v1::UpdateAlertRequest& request, const std::string& user,
                           v1::StoredRecord* response) const;

 private:
  // One page of what matches.
  template <typename Request, typename Response>
  absl::Status Page(const Request& request, const RecordFilter& filter,
                    absl::FunctionRef<bool()> cancelled, Response* response) const;
  absl::Status AddContext(const v1::GetAlertRequest& request, v1::StoredRecord* alert) const;
  // Nothing matches beyond `scan.after_id`, as far as a short look tells.
  bool IsLast(const RecordFilter& filter, ScanRequest scan) const;

  Store& store_;
  const absl::Duration budget_;
};

}  // namespace vakt

#endif  // VAKT_COLLECTOR_QUERY_QUERY_HANDLER_H_
