// SPDX-License-Identifier: Apache-2.0
// Delivers the spool to the collector: one mTLS stream, resumed where the collector says, several
// batches in flight, each acknowledged once it is durably stored there. When the stream breaks it
// is made anew, for as long as the agent runs; meanwhile records wait in the spool and nothing else
// notices.
//
// Several collectors: when one fails, the next is tried at once, and after the last the first again
// after a backoff with jitter. One that works is kept until it fails.
//
// Certificates: the files are read for every new connection; a stream keeps those it began with.
//
// Thread-safe. Owns one thread, which sleeps unless the spool, the collector or a heartbeat needs
// it. Start at most once.
#ifndef VAKT_AGENT_UPLINK_UPLINK_H_
#define VAKT_AGENT_UPLINK_UPLINK_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "agent/spool/position.h"
#include "agent/spool/spool.h"
#include "common/base/backoff.h"
#include "vakt/v1/ingest.pb.h"

namespace vakt {

class CollectorStream;
class EventQueue;
class UplinkSession;

struct UplinkOptions {
  std::vector<std::string> collectors;  // host:port, in order of preference
  std::string ca_file;                  // PEM files, read for every new connection
  std::string cert_file;
  std::string key_file;
  std::string server_name_override;
  size_t batch_records = 1000;
  size_t batch_bytes = 1u << 20;
  absl::Duration heartbeat = absl::Seconds(10);
  absl::Duration backoff_min = absl::Milliseconds(200);
  absl::Duration backoff_max = absl::Seconds(30);
};

class Uplink {
 public:
  struct State {
    bool connected = false;  // the collector has answered Hello
    std::string collector;   // the one in use, or tried last
    std::string error;       // why not, as "collector HOST:PORT: reason"; empty if connected
    Position acked;
    uint64_t sent_records = 0;
    uint64_t acked_records = 0;
    uint64_t reconnects = 0;  // streams after the first
    uint64_t rewinds = 0;     // times that a collector had records that this spool never made
  };

  // `hello` and `heartbeat` are called on the uplink's thread. `spool` must outlive the uplink.
  Uplink(UplinkOptions options, Spool* spool, std::function<v1::Hello()> hello,
         std::function<v1::Heartbeat()> heartbeat);
  ~Uplink();  // as Stop without drain
  Uplink(const Uplink&) = delete;
  Uplink& operator=(const Uplink&) = delete;

  // kInvalidArgument if an option is missing. An absent collector or certificate is no error here:
  // state() tells, and it is tried again.
  absl::Status Start();
  // Goes on for at most `drain` until everything appended so far is acknowledged, then ends the
  // stream and the thread.
  void Stop(absl::Duration drain);

  State state() const;

 private:
  // One stream from dial to end. Returns why it ended; empty if it was stopped.
  std::string RunStream();
  std::string Converse(CollectorStream& stream, UplinkSession& session);
  // Sends what may be sent. False: all is delivered, and Stop waits for that.
  bool Pump(CollectorStream& stream, UplinkSession& session);
  void SendBatch(CollectorStream& stream, UplinkSession& session);
  void OnProgress(const UplinkSession& session);
  void Run();
  // After `error`: chooses the next collector; waits when all have failed.
  void WaitForRetry(bool was_good);
  const std::string& collector() const { return options_.collectors[next_collector_]; }
  bool StopIsDue() const;  // the drain time is over
  bool stopping() const;
  absl::Duration stop_at() const;

  const UplinkOptions options_;
  Spool* const spool_;
  const std::function<v1::Hello()> hello_;
  const std::function<v1::Heartbeat()> heartbeat_;
  const std::unique_ptr<EventQueue> events_;
  Backoff backoff_;                     // the uplink's thread only
  size_t next_collector_ = 0;           // the same; index into options_.collectors
  uint64_t session_acked_records_ = 0;  // the same; of the present stream, counted in state_

  mutable std::mutex mutex_;
  State state_ ABSL_GUARDED_BY(mutex_);
  uint64_t streams_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Duration stop_at_ ABSL_GUARDED_BY(mutex_) = absl::InfiniteDuration();

  std::thread thread_;
};

}  // namespace vakt

#endif  // VAKT_AGENT_UPLINK_UPLINK_H_
