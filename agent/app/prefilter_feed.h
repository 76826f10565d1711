// SPDX-License-Identifier: Apache-2.0
// Keeps the kernel's prefilter supplied: its tables from the rules, and what the rules say of each
// process once that process is heard of.
//
// Ownership: owns the prefilter that it was given last, not the sensor. Threads: pipeline thread
// only.
#ifndef VAKT_AGENT_APP_PREFILTER_FEED_H_
#define VAKT_AGENT_APP_PREFILTER_FEED_H_

#include <memory>

#include "absl/status/statusor.h"
#include "agent/app/pipeline.h"
#include "agent/match/prefilter.h"
#include "agent/sensor/kernel_sensor.h"

namespace vakt {

class PrefilterFeed : public PipelineObserver {
 public:
  explicit PrefilterFeed(KernelSensor* sensor) : sensor_(sensor) {}

  // From now on the kernel decides by these rules. Returns the old prefilter.
  absl::StatusOr<std::unique_ptr<Prefilter>> Install(std::unique_ptr<Prefilter> prefilter);

  void OnEvaluated(const Event& event) override;

 private:
  KernelSensor* const sensor_;
  std::unique_ptr<Prefilter> prefilter_;
};

}  // namespace vakt

#endif  // VAKT_AGENT_APP_PREFILTER_FEED_H_
