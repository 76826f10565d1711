// SPDX-License-Identifier: Apache-2.0
// vaktctl audit list
#include <grpcpp/client_context.h>

#include <algorithm>
#include <string>

#include "absl/time/clock.h"
#include "cli/connection.h"
#include "cli/json.h"
#include "cli/text_table.h"
#include "cli/time_text.h"
#include "cli/verbs.h"
#include "common/alert/alert_time.h"
#include "common/base/status.h"
#include "common/base/strings.h"
#include "vakt/v1/admin.grpc.pb.h"

namespace vakt {
namespace {

constexpr uint64_t kPage = 500;
constexpr uint64_t kDefaultLimit = 100;

v1::ListAuditRequest RequestOf(const Arguments& arguments) {
  v1::ListAuditRequest request;
  const absl::Time now = absl::Now();
  if (arguments.Has("--since")) {
    *request.mutable_since() = ToTimestamp(arguments.Moment("--since", now, now));
  }
  if (arguments.Has("--until")) {
    *request.mutable_until() = ToTimestamp(arguments.Moment("--until", now, now));
  }
  request.set_user(arguments.Text("--user"));
  request.set_method(arguments.Text("--method"));
  return request;
}

void AddRow(const v1::AuditEntry& entry, TextTable* table) {
  const bool good = entry.outcome() == "OK";
  table->AddRow({{Rfc3339(entry.time())},
                 {entry.user(), Style::kBold},
                 {entry.role()},
                 {entry.via()},
                 {entry.peer()},
                 {entry.method()},
                 {entry.outcome(), good ? Style::kPlain : Style::kRed},
                 {StrCat(entry.records())},
                 {entry.detail()}});
}

}  // namespace

VerbResult AuditList(const Invocation& invocation) {
  VAKT_ASSIGN_OR_RETURN(const Connection collector, Connection::ToCollector(invocation));
  VAKT_ASSIGN_OR_RETURN(const auto channel, collector.Dial());
  const auto stub = v1::Admin::NewStub(channel);
  v1::ListAuditRequest request = RequestOf(invocation.arguments);
  uint64_t left = invocation.arguments.Count("--limit", kDefaultLimit);
  TextTable table(
      {"TIME", "USER", "ROLE", "VIA", "PEER", "METHOD", "OUTCOME", "RECORDS", "REQUEST"});
  while (left > 0) {
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + kCallTimeout));
    request.set_page_size(static_cast<uint32_t>(std::min(left, kPage)));
    v1::ListAuditResponse page;
    const grpc::Status status = stub->ListAudit(&context, request, &page);
    if (!status.ok()) return collector.Failure(status);
    left -= std::min(left, static_cast<uint64_t>(page.entries_size()));
    for (const v1::AuditEntry& entry : page.entries()) {
      if (invocation.json()) {
        invocation.console.Line(ProtoJson(entry));
      } else {
        AddRow(entry, &table);
      }
    }
    if (page.next_page_token().empty()) break;
    request.set_page_token(page.next_page_token());
  }
  if (!invocation.json()) table.Print(invocation.console);
  return kSuccess;
}

}  // namespace vakt
