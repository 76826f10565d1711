// SPDX-License-Identifier: Apache-2.0
// The Alerts service: lets users in and passes them to query/ and subscribe/.
// Threads: thread-safe. Query and GetAlert occupy one of the server's few threads each; a
// subscription occupies none.
#ifndef VAKT_COLLECTOR_APP_ALERTS_SERVICE_H_
#define VAKT_COLLECTOR_APP_ALERTS_SERVICE_H_

#include "collector/app/front.h"
#include "collector/query/query_handler.h"
#include "collector/subscribe/consumer_handler.h"
#include "collector/subscribe/subscription_hub.h"
#include "vakt/v1/query.grpc.pb.h"

namespace vakt {

class AlertsService final : public v1::Alerts::WithCallbackMethod_Subscribe<v1::Alerts::Service> {
 public:
  // All must outlive it.
  AlertsService(Front* front, QueryHandler* query, ConsumerHandler* consumers,
                SubscriptionHub* subscriptions)
      : front_(*front), query_(*query), consumers_(*consumers), subscriptions_(*subscriptions) {}

  grpc::ServerWriteReactor<v1::SubscribeResponse>* Subscribe(
      grpc::CallbackServerContext* call, const v1::SubscribeRequest* request) override;
  grpc::Status UpdateAlert(grpc::ServerContext* call, const v1::UpdateAlertRequest* request,
                           v1::StoredRecord* response) override;
  grpc::Status Acknowledge(grpc::ServerContext* call, const v1::AcknowledgeRequest* request,
                           v1::AcknowledgeResponse* response) override;
  grpc::Status ListConsumers(grpc::ServerContext* call, const v1::ListConsumersRequest* request,
                             v1::ListConsumersResponse* response) override;
  grpc::Status DeleteConsumer(grpc::ServerContext* call, const v1::DeleteConsumerRequest* request,
                              v1::DeleteConsumerResponse* response) override;
  grpc::Status Query(grpc::ServerContext* call, const v1::QueryRequest* request,
                     v1::QueryResponse* response) override;
  grpc::Status GetAlert(grpc::ServerContext* call, const v1::GetAlertRequest* request,
                        v1::StoredRecord* response) override;

 private:
  Front& front_;
  QueryHandler& query_;
  ConsumerHandler& consumers_;
  SubscriptionHub& subscriptions_;
};

}  // namespace vakt

#endif  // VAKT_COLLECTOR_APP_ALERTS_SERVICE_H_
