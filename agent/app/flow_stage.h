// SPDX-License-Identifier: Apache-2.0
// From the kernel's sums to flow records in the node's stream: feed, table, message.
//
// Ownership: owns these; sensor, pipeline and delivery must outlive it. Threads: pipeline thread
// only.
#ifndef VAKT_AGENT_APP_FLOW_STAGE_H_
#define VAKT_AGENT_APP_FLOW_STAGE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/app/delivery.h"
#include "agent/app/flow_feed.h"
#include "agent/app/pipeline.h"
#include "agent/flow/address_classes.h"
#include "agent/flow/flow_table.h"
#include "agent/flow/name_table.h"
#include "agent/sensor/kernel_sensor.h"
#include "common/metrics/metric_set.h"

namespace vakt {

class FlowStage {
 public:
  // `cluster`: blocks of addresses of the cluster's own. Finds the connections that there are.
  static absl::StatusOr<std::unique_ptr<FlowStage>> Start(const FlowOptions& options,
                                                          const std::vector<std::string>& cluster,
                                                          KernelSensor* sensor,
                                                          const Pipeline* pipeline,
                                                          Delivery* delivery);

  // Adds what the kernel had to say, if it did since the last call.
  void Collect();
  // True when it is for flows, and taken: an answer of a name server. Others are the pipeline's.
  bool OnRecord(RawRecord record);
  // Sends the records that are due. About once a second.
  void Tick(uint64_t boot_ns, int64_t boot_to_wall_ns);
  // The end: sends all that was seen.
  void Finish(int64_t boot_to_wall_ns);

  void FillMetrics(MetricSet* metrics) const;

 private:
  FlowStage(const FlowOptions& options, AddressClasses classes, const Pipeline* pipeline,
            Delivery* delivery);
  void Send(const FlowRecord& record, int64_t boot_to_wall_ns);

  AddressClasses classes_;
  FlowTable table_;
  NameTable names_;
  uint64_t answers_learned_ = 0;
  uint64_t answers_ignored_ = 0;  // to other questions, negative or malformed
  Delivery& delivery_;
  std::unique_ptr<FlowFeed> feed_;
  uint64_t addresses_read_ns_ = 0;
  v1::Flow flow_;  // reused: keeps its memory
};

}  // namespace vakt

#endif  // VAKT_AGENT_APP_FLOW_STAGE_H_
