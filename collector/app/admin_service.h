// SPDX-License-Identifier: Apache-2.0
// The Admin service. Threads: thread-safe; a call occupies one of the server's few threads.
#ifndef VAKT_COLLECTOR_APP_ADMIN_SERVICE_H_
#define VAKT_COLLECTOR_APP_ADMIN_SERVICE_H_

#include "collector/app/front.h"
#include "collector/store/store.h"
#include "vakt/v1/admin.grpc.pb.h"

namespace vakt {

class AdminService final : public v1::Admin::Service {
 public:
  // Both must outlive it.
  AdminService(Front* front, Store* store) : front_(*front), store_(*store) {}

  grpc::Status ListAudit(grpc::ServerContext* call, const v1::ListAuditRequest* request,
                         v1::ListAuditResponse* response) override;

  grpc::Status ListMalformed(grpc::ServerContext* call, const v1::ListMalformedRequest* request,
                             v1::ListMalformedResponse* response) override;

  grpc::Status Backup(grpc::ServerContext* call, const v1::BackupRequest* request,
                      v1::BackupResponse* response) override;

 private:
  Front& front_;
  Store& store_;
};

}  // namespace vakt

#endif  // VAKT_COLLECTOR_APP_ADMIN_SERVICE_H_
