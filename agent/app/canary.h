// SPDX-License-Identifier: Apache-2.0
// Whether the hooks still see. Every few seconds: links that somebody detached are attached again,
// and for each kind that was quiet an act is done that its hook must count. Hooks count before
// scope and filter, so other processes' events are as good a proof as the canary's own, and a busy
// node does no act at all. What is missed is told as a gap of class BLIND.
//
//   auto canary = Canary::Start(sensor, "/var/lib/vakt", [&] { return sensor->RestoreHooks(); });
//   for (const v1::Gap& gap : canary->TakeGaps()) ...
//
// Threads: a thread of its own does the acts, for they may block; all methods are thread-safe.
#ifndef VAKT_AGENT_APP_CANARY_H_
#define VAKT_AGENT_APP_CANARY_H_

#include <array>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "agent/sensor/kernel_sensor.h"
#include "common/event/kind.h"
#include "vakt/v1/alert.pb.h"

namespace vakt {

class Canary {
 public:
  // Attaches hooks again that somebody detached, and returns them; it may take privileges that the
  // canary's thread has not.
  using Restore = std::function<std::vector<ProbeReport>()>;

  // `sensor` outlives it. `directory` is where files are made and removed again.
  static std::unique_ptr<Canary> Start(KernelSensor* sensor, std::string directory,
                                       Restore restore);
  ~Canary();  // waits for an act under way

  // What was found since the last call.
  std::vector<v1::Gap> TakeGaps();
  // Kinds that are watched and did not see the last act.
  KindSet blind() const;

 private:
  using Hits = std::array<uint64_t, 64>;

  Canary(KernelSensor* sensor, std::string directory, Restore restore);
  void Run();
  void RestoreHooks();
  void TryKinds();
  // Kinds of `quiet` whose hooks missed the acts that make them.
  KindSet Missed(KindSet quiet);
  KindSet WatchedKinds() const;
  void Tell(Kind kind, int64_t begin_ns, std::string reason);

  KernelSensor* const sensor_;
  const std::string directory_;
  const Restore restore_;
  Hits last_hits_{};          // the canary's thread
  int64_t last_good_ns_ = 0;  // likewise; wall clock
  mutable std::mutex mutex_;
  std::condition_variable stopped_;
  bool stop_ ABSL_GUARDED_BY(mutex_) = false;
  KindSet blind_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<v1::Gap> gaps_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace vakt

#endif  // VAKT_AGENT_APP_CANARY_H_
