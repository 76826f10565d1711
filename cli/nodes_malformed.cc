// SPDX-License-Identifier: Apache-2.0
// vaktctl nodes malformed
#include <grpcpp/client_context.h>

#include <string>

#include "absl/time/clock.h"
#include "cli/connection.h"
#include "cli/json.h"
#include "cli/node_name.h"
#include "cli/text_table.h"
#include "cli/verbs.h"
#include "common/alert/alert_time.h"
#include "common/base/status.h"
#include "common/base/strings.h"
#include "vakt/v1/admin.grpc.pb.h"

namespace vakt {
namespace {

std::string GapText(const v1::MalformedRecord& record) {
  return record.has_gap() ? StrCat(record.gap().epoch(), "/", record.gap().seq()) : "";
}

}  // namespace

VerbResult NodesMalformed(const Invocation& invocation) {
  VAKT_ASSIGN_OR_RETURN(const Connection collector, Connection::ToCollector(invocation));
  VAKT_ASSIGN_OR_RETURN(const auto channel, collector.Dial());
  VAKT_ASSIGN_OR_RETURN(const NodeName name, NodeNameOf(invocation, collector, channel));
  const auto stub = v1::Admin::NewStub(channel);
  v1::ListMalformedRequest request;
  request.set_cluster(name.cluster);
  request.set_node(name.node);
  TextTable table({"RECEIVED", "GAP", "BYTES", "WHY"});
  do {
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + kCallTimeout));
    v1::ListMalformedResponse response;
    const grpc::Status status = stub->ListMalformed(&context, request, &response);
    if (!status.ok()) return collector.Failure(status);
    for (const v1::MalformedRecord& record : response.records()) {
      if (invocation.json()) invocation.console.Line(ProtoJson(record));
      table.AddRow({{Rfc3339(record.received())},
                    {GapText(record)},
                    {StrCat(record.size_bytes())},
                    {record.reason()}});
    }
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  if (!invocation.json()) table.Print(invocation.console);
  return kSuccess;
}

}  // namespace vakt
