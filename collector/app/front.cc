// SPDX-License-Identifier: Apache-2.0
#include "collector/app/front.h"

#include <utility>

#include "absl/synchronization/notification.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/base/text.h"
#include "common/time/wall_time.h"

namespace vakt {
namespace {

// A request with many names in its filter is cut: the entry is for people.
constexpr size_t kMaxDetailBytes = 1024;

v1::AuditEntry EntryOf(RpcId rpc, const Caller& caller, const google::protobuf::Message& request,
                       const absl::Status& status, uint64_t records) {
  v1::AuditEntry entry;
  FromWallNs(RealClock().WallNs(), entry.mutable_time());
  entry.set_user(caller.name);
  entry.set_role(std::string(AccessName(AccessOf(caller.role))));
  entry.set_via(caller.via);
  entry.set_peer(EscapeUtf8(caller.peer));
  entry.set_method(std::string(rpc.row().method));
  entry.set_outcome(absl::StatusCodeToString(status.code()));
  entry.set_records(records);
  entry.set_detail(
      EscapeUtf8(std::string_view(request.ShortDebugString()).substr(0, kMaxDetailBytes)));
  return entry;
}

void LogRefused(RpcId rpc, const grpc::ServerContextBase& call, const absl::Status& status) {
  if (!LogEvery("front.refuse", absl::Seconds(10))) return;
  LogWarning(StrCat("refused ", rpc.row().method, " to ", call.peer(), ": ", Message(status)));
}

}  // namespace

grpc::Status Front::Serve(RpcId rpc, const grpc::ServerContextBase& call,
                          const google::protobuf::Message& request, Work work) {
  const absl::StatusOr<Caller> caller = gate_.Identify(call);
  if (!caller.ok()) {
    LogRefused(rpc, call, caller.status());
    return ToGrpcStatus(caller.status());
  }
  absl::Status status = Gate::Check(rpc, *caller);
  const bool refused = !status.ok();
  uint64_t records = 0;
  if (!refused) status = work(*caller, &records);
  if (refused || rpc.row().audited) Audit(EntryOf(rpc, *caller, request, status, records), true);
  return ToGrpcStatus(status);
}

absl::StatusOr<Caller> Front::Admit(RpcId rpc, const grpc::ServerContextBase& call,
                                    const google::protobuf::Message& request) {
  absl::StatusOr<Caller> caller = gate_.Identify(call);
  if (!caller.ok()) {
    LogRefused(rpc, call, caller.status());
    return caller;
  }
  const absl::Status status = Gate::Check(rpc, *caller);
  if (!status.ok() || rpc.row().audited) {
    Audit(EntryOf(rpc, *caller, request, status, 0), false);
  }
  if (!status.ok()) return status;
  return caller;
}

void Front::Audit(v1::AuditEntry entry, bool wait) {
  auto stored = std::make_shared<absl::Notification>();
  store_.AppendAudit(entry, [stored, entry](const absl::Status& status) {
    if (!status.ok()) {
      LogError(StrCat("audit entry that is not stored (", Message(status),
                      "): ", entry.ShortDebugString()));
    }
    stored->Notify();
  });
  if (wait) stored->WaitForNotification();
}

}  // namespace vakt
