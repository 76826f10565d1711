// SPDX-License-Identifier: Apache-2.0
// vaktctl alerts query
#include <grpcpp/client_context.h>

#include <algorithm>
#include <cstdint>
#include <limits>

#include "absl/time/clock.h"
#include "cli/alert_filter.h"
#include "cli/connection.h"
#include "cli/record_text.h"
#include "cli/verbs.h"
#include "common/base/status.h"
#include "vakt/v1/query.grpc.pb.h"

namespace vakt {
namespace {

constexpr uint64_t kPageRecords = 1000;  // the most that the collector gives

}  // namespace

VerbResult AlertsQuery(const Invocation& invocation) {
  const Arguments& arguments = invocation.arguments;
  Console& console = invocation.console;
  VAKT_ASSIGN_OR_RETURN(const Connection collector, Connection::ToCollector(invocation));
  VAKT_ASSIGN_OR_RETURN(const auto channel, collector.Dial());
  const auto stub = v1::Alerts::NewStub(channel);
  v1::QueryRequest request;
  *request.mutable_filter() = FilterFromFlags(arguments, absl::Now());
  if (invocation.format == "ocsf") request.set_format(v1::FORMAT_OCSF);
  request.set_oldest_first(arguments.Has("--oldest-first"));
  uint64_t left = arguments.Count("--limit", std::numeric_limits<uint64_t>::max());
  do {
    request.set_page_size(static_cast<uint32_t>(std::min(left, kPageRecords)));
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + kCallTimeout));
    v1::QueryResponse response;
    if (const grpc::Status status = stub->Query(&context, request, &response); !status.ok()) {
      return collector.Failure(status);
    }
    for (const v1::StoredRecord& record : response.records()) {
      if (left-- == 0) return kSuccess;
      console.Line(RecordIn(invocation.format, record, console));
    }
    VAKT_RETURN_IF_ERROR(console.Flush());
    request.set_page_token(response.next_page_token());
  } while (left > 0 && !request.page_token().empty());
  return kSuccess;
}

}  // namespace vakt
