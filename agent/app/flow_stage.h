// SPDX-License-Identifier: Apache-2.0
// From the kernel's sums to flow records in the node's stream, and to events that rules match:
// feed, table, knowledge, event, message.
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
#include "agent/app/flow_files.h"
#include "agent/app/pipeline.h"
#include "agent/app/state_writer.h"
#include "agent/flow/address_classes.h"
#include "agent/flow/flow_knowledge.h"
#include "agent/flow/flow_table.h"
#include "agent/flow/payload_reader.h"
#include "agent/sensor/kernel_sensor.h"
#include "common/metrics/metric_set.h"

namespace vakt {

// Kinds of events that are made here.
inline constexpr KindSet kFlowKinds = KindBit(Kind::network_flow) | KindBit(Kind::network_dns);

struct FlowStageOptions {
  FlowOptions flow;
  std::vector<std::string> cluster;  // blocks of addresses of the cluster's own
  FlowFilePaths files;
  std::string memory_path;  // what is known of workloads, from run to run
};

class FlowStage {
 public:
  // Finds the connections that there are.
  static absl::StatusOr<std::unique_ptr<FlowStage>> Start(FlowStageOptions options,
                                                          KernelSensor* sensor, Pipeline* pipeline,
                                                          Delivery* delivery);

  // Adds what the kernel had to say, if it did since the last call, and shows rules what is new.
  void Collect(int64_t boot_to_wall_ns);
  // True when it is for flows, and taken: bytes that tell names. Others are the pipeline's.
  bool OnRecord(RawRecord record, int64_t boot_to_wall_ns);
  // Sends the records that are due. About once a second.
  void Tick(uint64_t boot_ns, int64_t boot_to_wall_ns);
  // The end: sends all that was seen.
  void Finish(int64_t boot_to_wall_ns);

  // Reads the operator's files anew. Async-signal-safe; any thread.
  void ReloadFiles() { files_->Request(); }

  void FillMetrics(MetricSet* metrics) const;

 private:
  FlowStage(const FlowStageOptions& options, AddressClasses classes,
            std::unique_ptr<FlowFiles> files, Pipeline* pipeline, Delivery* delivery);
  bool Wants(Kind kind) const { return In(pipeline_.matcher().kinds(), kind); }
  void LoadMemory();
  void LearnAddresses();
  void TakeFiles();
  void OfferNew(uint64_t boot_ns, int64_t boot_to_wall_ns);
  void OnAnswer(const vakt_payload& about, const DnsAnswer& answer, size_t size_bytes);
  void OnHello(const vakt_payload& about, const TlsHello& hello);
  void OfferAnswer(const vakt_payload& about, const DnsAnswer& answer, size_t size_bytes);
  // The record with all that is known, as an event of `boot_ns`; valid until the next call.
  void MakeEvent(const FlowRecord& record, uint64_t boot_ns, int64_t boot_to_wall_ns);
  void Send(const FlowRecord& record, uint64_t boot_ns, int64_t boot_to_wall_ns);

  AddressClasses classes_;
  const std::unique_ptr<FlowFiles> files_;
  FlowKnowledge knowledge_;
  FlowTable table_;
  PayloadReader payloads_;
  int64_t boot_to_wall_ns_ = 0;  // of the record that is being read
  Pipeline& pipeline_;
  Delivery& delivery_;
  StateWriter memory_writer_;
  uint64_t memory_written_ns_ = 0;
  std::unique_ptr<FlowFeed> feed_;
  uint64_t addresses_read_ns_ = 0;
  // Reused: they keep their memory.
  Event event_;
  RemoteNames event_names_;
  Process event_process_;
  v1::Flow flow_;
  std::string addresses_, aliases_;
};

}  // namespace vakt

#endif  // VAKT_AGENT_APP_FLOW_STAGE_H_
