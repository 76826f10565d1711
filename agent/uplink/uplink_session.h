// SPDX-License-Identifier: Apache-2.0
// The agent's side of one stream to the collector, as a plain state machine: what may be sent now,
// what an answer means, and when to give up. No I/O, no clock of its own, no gRPC.
//
//   Hello ─► (Welcome) ─► Batch, Batch, … and Heartbeats ─► (Ack) …
//
// Thread-compatible; owned by the uplink's thread, one per stream.
#ifndef VAKT_AGENT_UPLINK_UPLINK_SESSION_H_
#define VAKT_AGENT_UPLINK_UPLINK_SESSION_H_

#include <cstddef>
#include <cstdint>
#include <deque>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "agent/spool/position.h"
#include "vakt/v1/ingest.pb.h"

namespace vakt {

struct UplinkSessionOptions {
  size_t window_batches = 4;  // sent and not acknowledged: hides the round trip and the fsync
  absl::Duration heartbeat = absl::Seconds(10);
  absl::Duration welcome_timeout = absl::Seconds(20);
  absl::Duration ack_timeout = absl::Seconds(60);  // without any progress
};

class UplinkSession {
 public:
  enum class Send { kNothing, kHello, kHeartbeat, kBatch };

  // `acknowledged` and `newest`: the spool's. `now`: time since any fixed point, never running
  // backwards, as for all calls.
  UplinkSession(const UplinkSessionOptions& options, Position acknowledged, Position newest,
                absl::Duration now);

  // What is to be sent next. kBatch only if `readable`: the spool has records after read_after().
  Send Next(absl::Duration now, bool readable) const;
  // The same, once handed to the stream.
  void OnHelloSent() { hello_sent_ = true; }
  void OnHeartbeatSent(absl::Duration now);
  void OnBatchSent(Position last, size_t records, absl::Duration now);

  // An error says how the collector broke the protocol: end the stream.
  absl::Status OnMessage(const v1::CollectorMessage& message, absl::Duration now);
  // An error if the collector has kept us waiting for too long: end the stream.
  absl::Status CheckTimeouts(absl::Duration now) const;
  // When to call Next and CheckTimeouts again, if nothing happens until then.
  absl::Duration deadline() const;

  bool welcomed() const { return welcomed_; }
  // The collector has records of this node that this spool never made.
  bool rewound() const { return rewound_; }
  Position read_after() const { return sent_; }
  Position acknowledged() const { return acknowledged_; }
  size_t batches_in_flight() const { return in_flight_.size(); }
  uint64_t acknowledged_records() const { return acknowledged_records_; }

 private:
  struct Batch {
    Position last;
    size_t records;
  };

  absl::Status OnWelcome(const v1::Welcome& welcome, absl::Duration now);
  absl::Status OnAck(const v1::Ack& ack, absl::Duration now);

  const UplinkSessionOptions options_;
  // Nothing after this can be at the collector: the newest record of the spool when the stream
  // began, or the last one sent since. (What an earlier stream sent may be stored any time.)
  Position newest_;
  bool hello_sent_ = false;
  bool welcomed_ = false;
  bool rewound_ = false;
  Position sent_;          // the last record sent, or where to go on
  Position acknowledged_;  // the collector has everything up to here
  std::deque<Batch> in_flight_;
  uint64_t acknowledged_records_ = 0;
  absl::Duration heartbeat_due_ = absl::InfiniteDuration();
  absl::Duration answer_due_;  // by then a Welcome or an Ack, or else
};

}  // namespace vakt

#endif  // VAKT_AGENT_UPLINK_UPLINK_SESSION_H_
