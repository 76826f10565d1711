// SPDX-License-Identifier: Apache-2.0
// vaktctl alerts update
#include <grpcpp/client_context.h>

#include <string>

#include "absl/strings/ascii.h"
#include "absl/time/clock.h"
#include "cli/connection.h"
#include "cli/json.h"
#include "cli/record_text.h"
#include "cli/verbs.h"
#include "common/base/status.h"
#include "common/base/strings.h"
#include "vakt/v1/query.grpc.pb.h"

namespace vakt {
namespace {

// The number of "PREFIX_IN_PROGRESS" by "in_progress"; the flags' choices are these names.
template <typename Enum>
Enum ParseEnum(bool (*parse)(google::protobuf::ConstStringParam, Enum*), std::string_view prefix,
               const std::string& name) {
  Enum value = {};
  if (!name.empty()) parse(StrCat(prefix, absl::AsciiStrToUpper(name)), &value);
  return value;
}

absl::StatusOr<v1::UpdateAlertRequest> RequestOf(const Arguments& arguments) {
  v1::UpdateAlertRequest request;
  request.set_uid(arguments.operands()[0]);
  request.set_status(ParseEnum(v1::AlertStatus_Parse, "ALERT_STATUS_", arguments.Text("--status")));
  request.set_verdict(ParseEnum(v1::Verdict_Parse, "VERDICT_", arguments.Text("--verdict")));
  if (arguments.Has("--assign") && arguments.Has("--unassign")) {
    return absl::InvalidArgumentError("--assign and --unassign exclude each other");
  }
  if (arguments.Has("--assign")) request.set_assignee(arguments.Text("--assign"));
  if (arguments.Has("--unassign")) request.set_unassign(true);
  request.set_note(arguments.Text("--note"));
  request.set_expected_revision(arguments.Count("--revision"));
  return request;
}

}  // namespace

VerbResult AlertsUpdate(const Invocation& invocation) {
  VAKT_ASSIGN_OR_RETURN(const v1::UpdateAlertRequest request, RequestOf(invocation.arguments));
  VAKT_ASSIGN_OR_RETURN(const Connection collector, Connection::ToCollector(invocation));
  VAKT_ASSIGN_OR_RETURN(const auto channel, collector.Dial());
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + kCallTimeout));
  v1::StoredRecord record;
  const grpc::Status status = v1::Alerts::NewStub(channel)->UpdateAlert(&context, request, &record);
  if (!status.ok()) return collector.Failure(status);
  if (invocation.json()) {
    invocation.console.Line(ProtoJson(record.triage()));
  } else {
    invocation.console.Line(TriageText(record.triage()));
  }
  return kSuccess;
}

}  // namespace vakt
