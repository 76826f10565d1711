// SPDX-License-Identifier: Apache-2.0
// What every user's call passes through: the gate before it, the audit log after it. An answer
// leaves the collector only when its entry is stored; when the store cannot take it (the disk is
// full), the entry goes to the program's log instead, and reads go on.
//
// Ownership: the store must outlive it. Threads: thread-safe; Serve blocks on the disk.
#ifndef VAKT_COLLECTOR_APP_FRONT_H_
#define VAKT_COLLECTOR_APP_FRONT_H_

#include <google/protobuf/message.h>
#include <grpcpp/server_context.h>

#include <cstdint>
#include <memory>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "collector/access/gate.h"
#include "collector/store/store.h"
#include "vakt/v1/admin.pb.h"

namespace vakt {

class Front {
 public:
  // What a call does once it is let in; sets how many records it hands out.
  using Work = absl::FunctionRef<absl::Status(const Caller& caller, uint64_t* records)>;

  Front(Store* store, std::unique_ptr<TokenFile> tokens)
      : store_(*store), gate_(std::move(tokens)) {}

  grpc::Status Serve(RpcId rpc, const grpc::ServerContextBase& call,
                     const google::protobuf::Message& request, Work work);
  // For streams: only the gate and the entry that it began, without waiting.
  absl::StatusOr<Caller> Admit(RpcId rpc, const grpc::ServerContextBase& call,
                               const google::protobuf::Message& request);

 private:
  void Audit(v1::AuditEntry entry, bool wait);

  Store& store_;
  const Gate gate_;
};

}  // namespace vakt

#endif  // VAKT_COLLECTOR_APP_FRONT_H_
