// SPDX-License-Identifier: Apache-2.0
// A subscription that outlives its connection: after a failure it dials again, with growing pauses,
// and goes on behind the last record that its consumer took.
//
// Before the collector has answered once, a failure ends it: a wrong address or certificate shows
// at once. So do failures that dialling again cannot mend (a refused certificate, a cursor from
// elsewhere).
//
// Ownership: owns the channel of the moment. Threads: Run on one thread; it ends soon after a stop
// is requested.
#ifndef VAKT_CLI_ALERT_STREAM_H_
#define VAKT_CLI_ALERT_STREAM_H_

#include <grpcpp/channel.h>
#include <grpcpp/support/status.h>

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "vakt/v1/query.pb.h"

namespace vakt {

struct AlertStreamOptions {
  v1::SubscribeRequest request;
  absl::Duration backoff_min = absl::Milliseconds(200);
  absl::Duration backoff_max = absl::Seconds(5);
};

class AlertStream {
 public:
  // A channel that has not been used yet.
  using Dial = std::function<absl::StatusOr<std::shared_ptr<grpc::Channel>>()>;
  // Takes a record; false ends the stream after it.
  using Consumer = std::function<bool(const v1::StoredRecord& record)>;
  // Told that records up to this cursor were deleted before they could be read.
  using Expired = std::function<void(const std::string& until_cursor)>;
  // Told of each broken connection: why, and how long the pause is.
  using Broken = std::function<void(const grpc::Status& status, absl::Duration pause)>;

  AlertStream(Dial dial, AlertStreamOptions options)
      : dial_(std::move(dial)),
        options_(std::move(options)),
        cursor_(options_.request.after_cursor()) {}

  // OK when the consumer or `stop` ended it.
  grpc::Status Run(const std::stop_token& stop, const Consumer& consumer, const Broken& broken,
                   const Expired& expired = {});

  // Everything up to here has been consumed or did not match; empty when nothing has come yet.
  const std::string& cursor() const { return cursor_; }

 private:
  // One connection's worth. Sets *ended when the consumer wants no more.
  grpc::Status ReadOnce(const std::stop_token& stop, const Consumer& consumer,
                        const Expired& expired, bool* ended);

  const Dial dial_;
  const AlertStreamOptions options_;
  std::string cursor_;
  bool answered_ = false;  // ever
  absl::Duration pause_;   // before dialling again
};

}  // namespace vakt

#endif  // VAKT_CLI_ALERT_STREAM_H_
