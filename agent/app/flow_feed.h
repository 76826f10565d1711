// SPDX-License-Identifier: Apache-2.0
// Takes the kernel's sums of flows every few seconds, sooner when there were many, on a thread of
// its own: to exchange the tables waits for the kernel. One batch waits for the pipeline at a time;
// as long as it does, the kernel goes on adding up.
//
// Ownership: the sensor must outlive it. Threads: Take and Stop on the pipeline thread.
#ifndef VAKT_AGENT_APP_FLOW_FEED_H_
#define VAKT_AGENT_APP_FLOW_FEED_H_

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "agent/sensor/flow_sum.h"
#include "agent/sensor/kernel_sensor.h"

namespace vakt {

class FlowFeed {
 public:
  struct Batch {
    std::vector<FlowSum> sums;
    uint64_t boot_ns = 0;  // when the tables were exchanged
  };

  explicit FlowFeed(KernelSensor* sensor);
  ~FlowFeed();

  // Whether rules wait for flows: the kernel is asked more often then.
  void SetPrompt(bool prompt) { prompt_.store(prompt, std::memory_order_relaxed); }
  // The next batch, if there is one. Does not wait.
  std::optional<Batch> Take();
  // Ends the thread and takes what has come since; waits for the kernel.
  Batch Stop();

 private:
  void Run();
  std::optional<Batch> ReadKernel();
  void Join();

  KernelSensor& sensor_;
  std::atomic<bool> prompt_ = false;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<Batch> batch_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace vakt

#endif  // VAKT_AGENT_APP_FLOW_FEED_H_
