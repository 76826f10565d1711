// SPDX-License-Identifier: Apache-2.0
#include "collector/sink/http_destination.h"

#include <string>

#include "common/alert/falco_json.h"
#include "common/base/status.h"

namespace vakt {
HttpOptions HttpOptionsOf(const SinkConfig& config) {
  return {.url = config.Str("url"),
          .ca_file = config.Str("ca"),
          .cert_file = config.Str("cert"),
          .key_file = config.Str("key"),
          .token_file = config.Str("token_file"),
          .timeout = config.Dur("timeout")};
}

Delivery ToDelivery(const HttpReply& reply) {
  if (reply.status >= 200 && reply.status < 300) return {Delivery::Result::kDelivered, ""};
  return {RefusesForGood(reply.status) ? Delivery::Result::kRefused : Delivery::Result::kRetry,
          reply.reason, reply.retry_after, IsBusy(reply.status)};
}

absl::StatusOr<std::unique_ptr<Destination>> HttpDestination::Create(const SinkConfig& config) {
  VAKT_ASSIGN_OR_RETURN(auto client, HttpClient::Create(HttpOptionsOf(config)));
  return std::unique_ptr<Destination>(new HttpDestination(std::move(client)));
}

std::vector<Delivery> HttpDestination::Deliver(absl::Span<const v1::StoredRecord> records) {
  std::vector<std::string> bodies;
  bodies.reserve(records.size());
  for (const v1::StoredRecord& record : records) {
    AppendFalcoJson(record.record().alert(), &bodies.emplace_back());
  }
  std::vector<Delivery> deliveries;
  for (const HttpReply& reply : client_->Post(bodies)) deliveries.push_back(ToDelivery(reply));
  return deliveries;
}

}  // namespace vakt
