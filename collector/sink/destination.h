// SPDX-License-Identifier: Apache-2.0
// The far end of a sink: takes records in batches, and says of each what became of it.
//
// Ownership: by its SinkRunner. Threads: Deliver, Remember and Due on the runner's thread alone;
// Cancel and Reopen from any.
#ifndef VAKT_COLLECTOR_SINK_DESTINATION_H_
#define VAKT_COLLECTOR_SINK_DESTINATION_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "common/sinks/sink_config.h"
#include "vakt/v1/query.pb.h"

namespace vakt {

struct Delivery {
  enum class Result : uint8_t {
    kDelivered,
    kRetry,    // the other side fails, for now
    kRefused,  // this record will never be taken
  };
  Result result = Result::kRetry;
  std::string reason;                                   // unless it was delivered
  absl::Duration wait_at_least = absl::ZeroDuration();  // before a retry
  bool busy = false;  // of a retry: the other side says that it is too much, not what it was
};

class Destination {
 public:
  virtual ~Destination() = default;

  // One outcome for each record, in their order. Blocks for a bounded time. Records that came
  // before may come again.
  virtual std::vector<Delivery> Deliver(absl::Span<const v1::StoredRecord> records) = 0;

  // Makes a Deliver under way, and all later ones, return soon.
  virtual void Cancel() {}
  // Opens files again by their names.
  virtual void Reopen() {}

  // For a destination that repeats itself: how long until Tick is to be called.
  virtual absl::Duration UntilTick() const { return absl::InfiniteDuration(); }
  virtual void Tick() {}
  // A record that was delivered before the collector's last start and may still matter.
  virtual bool remembers() const { return false; }
  virtual void Remember(const v1::StoredRecord& record) { static_cast<void>(record); }

  virtual size_t batch_records() const { return 256; }
  // How long to wait for company after a first record that found the sink idle.
  virtual absl::Duration gather() const { return absl::ZeroDuration(); }
};

// By the kind. Errors name the file that cannot be used.
absl::StatusOr<std::unique_ptr<Destination>> MakeDestination(const SinkConfig& config);

}  // namespace vakt

#endif  // VAKT_COLLECTOR_SINK_DESTINATION_H_
