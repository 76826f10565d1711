// SPDX-License-Identifier: Apache-2.0
// Named consumers: their acknowledgements and their list.
//
// Ownership: store and hub must outlive it. Threads: thread-safe; a call blocks on the disk.
#ifndef VAKT_COLLECTOR_SUBSCRIBE_CONSUMER_HANDLER_H_
#define VAKT_COLLECTOR_SUBSCRIBE_CONSUMER_HANDLER_H_

#include <string>

#include "absl/status/status.h"
#include "collector/store/store.h"
#include "collector/subscribe/subscription_hub.h"
#include "vakt/v1/query.pb.h"

namespace vakt {

class ConsumerHandler {
 public:
  ConsumerHandler(Store* store, const SubscriptionHub* hub) : store_(*store), hub_(*hub) {}

  absl::Status Acknowledge(const std::string& user, const v1::AcknowledgeRequest& request,
                           v1::AcknowledgeResponse* response) const;
  // Of one user; of all when `user` is empty.
  absl::Status List(const std::string& user, v1::ListConsumersResponse* response) const;
  absl::Status Delete(const ConsumerKey& consumer) const { return store_.DeleteConsumer(consumer); }

 private:
  Store& store_;
  const SubscriptionHub& hub_;
};

}  // namespace vakt

#endif  // VAKT_COLLECTOR_SUBSCRIBE_CONSUMER_HANDLER_H_
