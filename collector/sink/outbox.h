// SPDX-License-Identifier: Apache-2.0
// What a sink has read from the store and not got rid of yet, in the order of the store. Says what
// to try next, and tells two kinds of failure apart:
//
//   the other side is down      nothing arrives: all wait, in their order, with growing pauses
//   a record is not taken       others arrive: it is deferred, tried again on its own, and set
//   aside
//                               when it has failed often enough while others still arrived
//
// Where a whole batch succeeds or fails as one, repeated failures shrink what is tried together to
// a single record, and those behind it are the proof: once one of them arrives, those that failed
// are deferred. Each round that ends without proof tries twice as many. What arrives doubles the
// number that is tried together again.
//
//   outbox.Add(records);
//   const auto attempt = outbox.Next(now);
//   outbox.Take(destination->Deliver(attempt), now, set_aside);
//
// Threads: thread-compatible; the sink's thread.
#ifndef VAKT_COLLECTOR_SINK_OUTBOX_H_
#define VAKT_COLLECTOR_SINK_OUTBOX_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "collector/sink/destination.h"
#include "common/base/backoff.h"
#include "vakt/v1/query.pb.h"

namespace vakt {

struct AttemptResult {
  uint64_t delivered = 0;
  uint64_t retried = 0;  // failed, and stay
  uint64_t set_aside = 0;
  std::string failure;    // of the queue, not of a deferred record; empty: none
  bool of_queue = false;  // not of a deferred record
};

class Outbox {
 public:
  // Deferred at once at most; while there are as many, what fails holds up the queue.
  static constexpr size_t kMaxDeferred = 64;
  // Failures of a deferred record while others arrived, until it is set aside. Of those for which
  // the other side blames its own load one counts for a tenth.
  static constexpr int kMaxFailures = 10;
  static constexpr int kBusyPerFailure = 10;

  // False: it could not be kept, and the record must stay.
  using SetAside = absl::FunctionRef<bool(const v1::StoredRecord& record, const std::string& why)>;

  explicit Outbox(absl::Duration retry_max);

  // Nothing is left to send, or nothing to compare a failure with: more records would help.
  bool wants_records() const {
    return queue_.empty() || (!alone_.empty() && queue_.size() == alone_.size());
  }
  bool wants_many() const { return queue_.empty(); }
  void Add(std::vector<v1::StoredRecord> records);

  // What to hand to the destination now; empty: nothing is due. Valid until Take.
  absl::Span<const v1::StoredRecord> Next(absl::Time now);
  // What became of it.
  AttemptResult Take(absl::Span<const Delivery> deliveries, absl::Time now, SetAside set_aside);

  // When Next has something, if no records are added.
  absl::Time due() const;
  // Null: there is none.
  const v1::StoredRecord* oldest() const;
  size_t deferred() const { return deferred_.size(); }

 private:
  struct Deferred {
    v1::StoredRecord record;
    absl::Time due;
    absl::Duration pause;
    uint64_t arrived_before = 0;  // arrived_ at its last attempt
    int failures = 0;             // weighed
    std::string reason;
  };
  enum class Trying : uint8_t { kNothing, kQueue, kProbe, kDeferred };

  void TakeQueue(absl::Span<const Delivery> deliveries, absl::Time now, SetAside set_aside,
                 AttemptResult* result);
  void TakeProbe(const Delivery& delivery, absl::Time now, SetAside set_aside,
                 AttemptResult* result);
  void TakeDeferred(const Delivery& delivery, absl::Time now, SetAside set_aside,
                    AttemptResult* result);
  // True: delivered, or refused and set aside.
  bool IsOver(const v1::StoredRecord& record, const Delivery& delivery, SetAside set_aside,
              AttemptResult* result);
  void Defer(v1::StoredRecord record, const Delivery& delivery, absl::Time now);
  void Pause(absl::Duration at_least, absl::Time now);

  const absl::Duration retry_max_;
  std::vector<v1::StoredRecord> queue_;
  std::vector<Deferred> deferred_;  // all older than the queue, the oldest first
  size_t together_;                 // tried in one attempt
  int failed_together_ = 0;         // attempts of several, in a row
  std::vector<Delivery> alone_;     // of the queue's first records, each of which failed alone
  size_t probes_ = 1;               // of those behind the first, in this round
  absl::Time queue_due_ = absl::InfinitePast();
  Backoff backoff_;
  uint64_t arrived_ = 0;

  Trying trying_ = Trying::kNothing;
  size_t trying_at_ = 0;  // in deferred_
};

}  // namespace vakt

#endif  // VAKT_COLLECTOR_SINK_OUTBOX_H_
