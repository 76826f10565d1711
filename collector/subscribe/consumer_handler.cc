// SPDX-License-Identifier: Apache-2.0
#include "collector/subscribe/consumer_handler.h"

#include <algorithm>

#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/time/wall_time.h"

namespace vakt {

absl::Status ConsumerHandler::Acknowledge(const std::string& user,
                                          const v1::AcknowledgeRequest& request,
                                          v1::AcknowledgeResponse* response) const {
  VAKT_ASSIGN_OR_RETURN(const int64_t id, store_.IdOf(request.cursor()));
  if (id > store_.last_id()) {
    return absl::FailedPreconditionError(
        StrCat("cursor \"", request.cursor(), "\" is ahead of the store"));
  }
  VAKT_ASSIGN_OR_RETURN(const int64_t stands, store_.Acknowledge({user, request.consumer()}, id));
  response->set_acknowledged(store_.CursorOf(stands));
  return absl::OkStatus();
}

absl::Status ConsumerHandler::List(const std::string& user,
                                   v1::ListConsumersResponse* response) const {
  VAKT_ASSIGN_OR_RETURN(const std::vector<ConsumerRow> rows, store_.ListConsumers(user));
  for (const ConsumerRow& row : rows) {
    v1::Consumer* consumer = response->add_consumers();
    consumer->set_user(row.key.user);
    consumer->set_name(row.key.name);
    consumer->set_acknowledged(store_.CursorOf(row.acknowledged_id));
    FromWallNs(row.created_ns, consumer->mutable_created());
    if (row.acknowledged_ns != 0) {
      FromWallNs(row.acknowledged_ns, consumer->mutable_acknowledged_at());
    }
    consumer->set_behind(
        static_cast<uint64_t>(std::max<int64_t>(0, store_.last_id() - row.acknowledged_id)));
    consumer->set_connected(hub_.IsConnected(row.key));
  }
  return absl::OkStatus();
}

}  // namespace vakt
