// SPDX-License-Identifier: Apache-2.0
// One subscriber's stream. It always reads from the store what lies beyond its cursor; news of a
// commit only wakes it. So catching up and following live are the same act, and their join can
// neither miss nor repeat a record.
//
// A subscription is in one state at a time, which says who may touch it:
//   kOpening  the store looks up where its consumer stands
//   kQueued   waits for a reader thread          kReading  a reader thread scans the store for it
//   kWriting  gRPC sends its page                kIdle     has seen everything; waits for news
//   kEnded    Finish has been called
//
// Ownership: deletes itself when gRPC is done with it, after it left its SubscribeService.
// Threads: state and page belong to the holder of the state; SubscribeService's mutex guards the
// changes.
#ifndef VAKT_COLLECTOR_SUBSCRIBE_SUBSCRIPTION_H_
#define VAKT_COLLECTOR_SUBSCRIBE_SUBSCRIPTION_H_

#include <grpcpp/support/server_callback.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "collector/store/record_filter.h"
#include "vakt/v1/query.pb.h"

namespace vakt {

class SubscriptionHub;

class Subscription final : public grpc::ServerWriteReactor<v1::SubscribeResponse> {
 public:
  enum class State { kOpening, kQueued, kReading, kWriting, kIdle, kEnded };

  // `consumer`: "user/name", or empty.
  Subscription(SubscriptionHub* hub, RecordFilter filter, std::string consumer, int64_t position);

  // Sends `page` message by message, then reports to the hub.
  void StartPage(std::vector<v1::SubscribeResponse> page);

  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

  const RecordFilter& filter() const { return filter_; }
  const std::string& consumer() const { return consumer_; }

  // Everything up to this record has been looked at and handed to gRPC, or did not match.
  int64_t position() const { return position_; }
  void set_position(int64_t position) { position_ = position; }

  v1::Format format = v1::FORMAT_NATIVE;  // constant once the subscription is open
  int64_t expired_id = 0;  // the subscriber knows that records up to here were deleted

  // The following are guarded by the hub's mutex.
  State state = State::kQueued;
  bool cancelled = false;
  bool replaced = false;  // by a newer stream of its consumer
  absl::Time last_message = absl::InfinitePast();

 private:
  void WriteNext();

  SubscriptionHub& hub_;
  const RecordFilter filter_;
  const std::string consumer_;
  int64_t position_;
  std::vector<v1::SubscribeResponse> page_;
  size_t next_ = 0;
};

}  // namespace vakt

#endif  // VAKT_COLLECTOR_SUBSCRIBE_SUBSCRIPTION_H_
