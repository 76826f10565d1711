// SPDX-License-Identifier: Apache-2.0
// One HTTP POST of Falco's JSON for each alert. Threads: as Destination.
#ifndef VAKT_COLLECTOR_SINK_HTTP_DESTINATION_H_
#define VAKT_COLLECTOR_SINK_HTTP_DESTINATION_H_

#include <memory>
#include <utility>
#include <vector>

#include "collector/sink/destination.h"
#include "collector/sink/http_client.h"

namespace vakt {

// The settings that all kinds over HTTP share.
HttpOptions HttpOptionsOf(const SinkConfig& config);
// What an answer means for the record that was posted.
Delivery ToDelivery(const HttpReply& reply);

class HttpDestination final : public Destination {
 public:
  static absl::StatusOr<std::unique_ptr<Destination>> Create(const SinkConfig& config);

  std::vector<Delivery> Deliver(absl::Span<const v1::StoredRecord> records) override;
  void Cancel() override { client_->Cancel(); }
  size_t batch_records() const override { return 64; }

 private:
  explicit HttpDestination(std::unique_ptr<HttpClient> client) : client_(std::move(client)) {}

  const std::unique_ptr<HttpClient> client_;
};

}  // namespace vakt

#endif  // VAKT_COLLECTOR_SINK_HTTP_DESTINATION_H_
