// SPDX-License-Identifier: Apache-2.0
// vaktctl store backup
#include <grpcpp/client_context.h>

#include "cli/connection.h"
#include "cli/json.h"
#include "cli/verbs.h"
#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/base/text.h"
#include "vakt/v1/admin.grpc.pb.h"

namespace vakt {

VerbResult StoreBackup(const Invocation& invocation) {
  VAKT_ASSIGN_OR_RETURN(const Connection collector, Connection::ToCollector(invocation));
  VAKT_ASSIGN_OR_RETURN(const auto channel, collector.Dial());
  grpc::ClientContext context;  // without a deadline: a large store takes its time
  v1::BackupRequest request;
  request.set_name(invocation.arguments.operands()[0]);
  v1::BackupResponse response;
  const grpc::Status status = v1::Admin::NewStub(channel)->Backup(&context, request, &response);
  if (!status.ok()) return collector.Failure(status);
  if (invocation.json()) {
    invocation.console.Line(ProtoJson(response));
  } else {
    invocation.console.Line(StrCat(EscapeUtf8(response.path()), ": ", response.records(),
                                   " records, ", response.bytes(), " bytes"));
  }
  return kSuccess;
}

}  // namespace vakt
