// SPDX-License-Identifier: Apache-2.0
// Syslog over TLS, or plain TCP where that was asked for. Each batch goes over a connection of its
// own, whose orderly end is the acknowledgement that syslog does not have (byte_stream.h).
// Threads: as Destination.
#ifndef VAKT_COLLECTOR_SINK_SYSLOG_DESTINATION_H_
#define VAKT_COLLECTOR_SINK_SYSLOG_DESTINATION_H_

#include <memory>
#include <vector>

#include "collector/sink/byte_stream.h"
#include "collector/sink/destination.h"
#include "common/base/unique_fd.h"

namespace vakt {

class SyslogDestination final : public Destination {
 public:
  static absl::StatusOr<std::unique_ptr<Destination>> Create(const SinkConfig& config);

  std::vector<Delivery> Deliver(absl::Span<const v1::StoredRecord> records) override;
  void Cancel() override;
  size_t batch_records() const override { return 1000; }
  absl::Duration gather() const override { return absl::Milliseconds(200); }

 private:
  SyslogDestination() = default;
  absl::Status Send(const std::string& frames);

  PeerAddress peer_;
  std::unique_ptr<TlsClient> tls_;  // null: plain TCP
  absl::Duration timeout_;
  int facility_ = 0;
  bool as_text_ = false;
  UniqueFd cancel_;
};

}  // namespace vakt

#endif  // VAKT_COLLECTOR_SINK_SYSLOG_DESTINATION_H_
