// SPDX-License-Identifier: Apache-2.0
// vaktctl consumers list, vaktctl consumers delete
#include <grpcpp/client_context.h>

#include "absl/time/clock.h"
#include "cli/connection.h"
#include "cli/json.h"
#include "cli/text_table.h"
#include "cli/verbs.h"
#include "common/alert/alert_time.h"
#include "common/base/status.h"
#include "common/base/strings.h"
#include "vakt/v1/query.grpc.pb.h"

namespace vakt {

VerbResult ConsumersList(const Invocation& invocation) {
  VAKT_ASSIGN_OR_RETURN(const Connection collector, Connection::ToCollector(invocation));
  VAKT_ASSIGN_OR_RETURN(const auto channel, collector.Dial());
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + kCallTimeout));
  v1::ListConsumersResponse response;
  const grpc::Status status = v1::Alerts::NewStub(channel)->ListConsumers(&context, {}, &response);
  if (!status.ok()) return collector.Failure(status);
  TextTable table({"USER", "CONSUMER", "STATE", "BEHIND", "ACKNOWLEDGED", "AT", "CREATED"});
  for (const v1::Consumer& consumer : response.consumers()) {
    if (invocation.json()) {
      invocation.console.Line(ProtoJson(consumer));
      continue;
    }
    const bool has_acknowledged = consumer.has_acknowledged_at();
    table.AddRow({{consumer.user()},
                  {consumer.name(), Style::kBold},
                  consumer.connected() ? TextTable::Cell{"connected", Style::kGreen}
                                       : TextTable::Cell{"away", Style::kYellow},
                  {StrCat(consumer.behind())},
                  {consumer.acknowledged()},
                  {has_acknowledged ? Rfc3339(consumer.acknowledged_at()) : "never"},
                  {Rfc3339(consumer.created())}});
  }
  if (!invocation.json()) table.Print(invocation.console);
  return kSuccess;
}

VerbResult ConsumersDelete(const Invocation& invocation) {
  VAKT_ASSIGN_OR_RETURN(const Connection collector, Connection::ToCollector(invocation));
  VAKT_ASSIGN_OR_RETURN(const auto channel, collector.Dial());
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + kCallTimeout));
  v1::DeleteConsumerRequest request;
  request.set_consumer(invocation.arguments.operands()[0]);
  request.set_user(invocation.arguments.Text("--user"));
  v1::DeleteConsumerResponse response;
  const grpc::Status status =
      v1::Alerts::NewStub(channel)->DeleteConsumer(&context, request, &response);
  if (!status.ok()) return collector.Failure(status);
  return kSuccess;
}

}  // namespace vakt
