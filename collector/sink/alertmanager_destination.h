// SPDX-License-Identifier: Apache-2.0
// Prometheus Alertmanager, API v2 (POST /api/v2/alerts). It knows an alert by its labels, so they
// are few and do not change from one event to the next. It forgets everything when it restarts, so
// what is still open is sent again every minute.
//
// An alert ends by itself after a time without repetition; the condition of a node ends when the
// collector says so, and holds meanwhile by being sent again.
//
// Threads: as Destination.
#ifndef VAKT_COLLECTOR_SINK_ALERTMANAGER_DESTINATION_H_
#define VAKT_COLLECTOR_SINK_ALERTMANAGER_DESTINATION_H_

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "collector/sink/destination.h"
#include "collector/sink/http_client.h"

namespace vakt {

class AlertmanagerDestination final : public Destination {
 public:
  static absl::StatusOr<std::unique_ptr<Destination>> Create(const SinkConfig& config);

  std::vector<Delivery> Deliver(absl::Span<const v1::StoredRecord> records) override;
  void Cancel() override { client_->Cancel(); }
  absl::Duration UntilTick() const override;
  void Tick() override;
  bool remembers() const override { return true; }
  void Remember(const v1::StoredRecord& record) override;
  size_t batch_records() const override { return 64; }

 private:
  struct Open {
    std::string annotations;  // JSON, as the key of open_
    absl::Time begin;
    absl::Time end;  // infinite: until the condition is resolved
  };
  using OpenAlerts = std::map<std::string, Open>;  // by labels

  AlertmanagerDestination(std::unique_ptr<HttpClient> client, absl::Duration resolve_after)
      : client_(std::move(client)), resolve_after_(resolve_after) {}

  // Adds what the record says to `alerts`; returns its key there.
  std::string Take(const v1::StoredRecord& record, absl::Time now, OpenAlerts* alerts) const;
  Delivery Post(const OpenAlerts& alerts, absl::Time now);
  void Keep(const OpenAlerts& alerts, absl::Time now);

  const std::unique_ptr<HttpClient> client_;
  const absl::Duration resolve_after_;
  OpenAlerts open_;
  absl::Time next_tick_ = absl::InfinitePast();
};

}  // namespace vakt

#endif  // VAKT_COLLECTOR_SINK_ALERTMANAGER_DESTINATION_H_
