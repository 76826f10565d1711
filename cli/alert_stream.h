// SPDX-License-Identifier: Apache-2.0
// A subscription that outlives its connection: after a failure it dials again, with growing pauses,
// and goes on behind the last record that its consumer took.
//
// Before the collector has answered once, a failure ends it: a wrong address or certificate shows
// at once. So do failures that dialling again cannot mend (a refused certificate, a cursor from
// elsewhere).
//
// Ownership: borrows the stub. Threads: Run on one thread; it ends soon after a stop is requested.
#ifndef VAKT_CLI_ALERT_STREAM_H_
#define VAKT_CLI_ALERT_STREAM_H_

#include <grpcpp/support/status.h>

#include <functional>
#include <stop_token>
#include <string>
#include <utility>

#include "absl/time/time.h"
#include "vakt/v1/query.grpc.pb.h"

namespace vakt {

struct AlertStreamOptions {
  v1::SubscribeRequest request;
  // Whether there is a connection; asked when a call has been answered or has failed.
  std::function<bool()> connected = [] { return true; };
  absl::Duration backoff_min = absl::Milliseconds(200);
  absl::Duration backoff_max = absl::Seconds(30);
};

class AlertStream {
 public:
  // Takes a record; false ends the stream after it.
  using Consumer = std::function<bool(const v1::StoredRecord& record)>;
  // Told of each broken connection: why, and how long the pause is.
  using Broken = std::function<void(const grpc::Status& status, absl::Duration pause)>;

  AlertStream(v1::Alerts::StubInterface* stub, AlertStreamOptions options)
      : stub_(stub), options_(std::move(options)), cursor_(options_.request.after_cursor()) {}

  // OK when the consumer or `stop` ended it.
  grpc::Status Run(const std::stop_token& stop, const Consumer& consumer, const Broken& broken);

  // Everything up to here has been consumed or did not match; empty when nothing has come yet.
  const std::string& cursor() const { return cursor_; }

 private:
  // One connection's worth. Sets *ended when the consumer wants no more.
  grpc::Status ReadOnce(const std::stop_token& stop, const Consumer& consumer, bool* ended);

  v1::Alerts::StubInterface* stub_;
  AlertStreamOptions options_;
  std::string cursor_;
  bool answered_ = false;  // ever
  absl::Duration pause_;   // before dialling again
};

}  // namespace vakt

#endif  // VAKT_CLI_ALERT_STREAM_H_
