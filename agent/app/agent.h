// SPDX-License-Identifier: Apache-2.0
// The agent: its parts in the order in which they start and stop.
//
//   privileges divided -> rules -> spool -> outputs -> probes attached -> running processes seeded
//   -> admin socket and uplink -> metrics and health -> ready file -> run until Stop
//
// Threads: Start and Run on one thread (the pipeline thread). Stop and Reload may be called from a
// signal handler. Status, Stats and Programs may be called from any thread.
#ifndef VAKT_AGENT_APP_AGENT_H_
#define VAKT_AGENT_APP_AGENT_H_

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "agent/admin/admin_server.h"
#include "agent/admin/health_server.h"
#include "agent/app/active_rules.h"
#include "agent/app/alert_log.h"
#include "agent/app/canary.h"
#include "agent/app/clock_watch.h"
#include "agent/app/delivery.h"
#include "agent/app/flow_stage.h"
#include "agent/app/options.h"
#include "agent/app/pipeline.h"
#include "agent/app/prefilter_feed.h"
#include "agent/app/privileges.h"
#include "agent/app/rule_reloader.h"
#include "agent/app/run_stamp.h"
#include "agent/app/tombstone_codec.h"
#include "agent/enrich/cri/cri_client.h"
#include "agent/sensor/kernel_sensor.h"
#include "agent/sensor/program_stats.h"
#include "agent/spool/spool.h"
#include "agent/uplink/uplink.h"
#include "common/base/clock.h"
#include "common/http/metrics_server.h"
#include "common/metrics/metric_set.h"
#include "common/recording/recording.h"
#include "vakt/v1/control.pb.h"
#include "vakt/v1/ingest.pb.h"

namespace vakt {

class Agent {
 public:
  static absl::StatusOr<std::unique_ptr<Agent>> Start(const AgentOptions& options);
  ~Agent();

  // Runs until Stop; then drains the rings, tells how it ended and flushes.
  absl::Status Run();

  void Stop();    // async-signal-safe
  void Reload();  // likewise: the rule files

  // Asks the pipeline thread for a fresh state and waits for it, at most `timeout`.
  v1::AgentStatus Status(absl::Duration timeout = absl::Milliseconds(500));
  v1::AgentStats Stats(absl::Duration timeout = absl::Milliseconds(500));
  // The loaded BPF programs, measured for so long; takes as long.
  absl::StatusOr<v1::Programs> Programs(absl::Duration measure) const;

 private:
  explicit Agent(const AgentOptions& options);

  // agent_privileges.cc. Before there is any other thread.
  absl::Status DividePrivileges();
  void FillCapabilities(v1::AgentStatus* status) const;
  absl::Status LoadRules();
  absl::Status OpenOutputs();
  absl::Status StartSensor();
  void StartContainers();
  absl::Status StartServices();
  absl::Status Seed();
  absl::Status StartFlows();
  void OnRecord(RawRecord record);
  void Settle();
  void Tick();
  void ReportLosses();
  void ReadPrograms();
  void ReportSkippedRuns();
  void ReportBlindSpots();
  void ReportBlindness();
  void SendLifecycle(v1::Lifecycle::What what, const std::string& detail,
                     const std::string& old_rule_set_hash = "");
  RuleSource rule_source() const;
  void TellRules() const;
  absl::Status StartReloader();
  absl::Status ReloadAndWait();  // any thread
  // Pipeline thread, between two batches.
  void TakeNewRules();
  void InstallPrefilter(std::unique_ptr<Prefilter>* prefilter);
  // agent_history.cc
  absl::Status BeginHistory();
  void ReportHistory();
  void ReportTakeover(const Takeover& takeover);
  v1::Gap GapSinceLastRun(v1::Gap::Class what, std::string reason) const;
  void CheckClock();

  // Pipeline thread: makes the state that other threads see.
  void Publish();
  void FillStatus(v1::AgentStatus* status) const;
  void FillMetrics(MetricSet* metrics) const;
  void FillSensorMetrics(MetricSet* metrics) const;
  void FillPipelineMetrics(MetricSet* metrics) const;
  void FillContainerMetrics(MetricSet* metrics) const;
  void FillDeliveryMetrics(MetricSet* metrics) const;
  void WaitForPublish(absl::Duration timeout);
  v1::Hello MakeHello();
  v1::Heartbeat MakeHeartbeat();

  // agent_health.cc. From any thread, but for JudgeReadiness.
  absl::Status StartDoors();
  std::string MetricsText();
  std::string WhyNotAlive() const;  // empty: it is
  std::string WhyNotReady() const;
  std::string JudgeReadiness() const;

  const AgentOptions options_;
  CapabilitySet had_ = 0;                    // at the start
  CapabilitySet kept_ = 0;                   // by all threads
  std::unique_ptr<PrivilegedThread> hooks_;  // loads, attaches and detaches
  std::unique_ptr<PrivilegedThread> meter_;  // has the kernel measure programs, which takes long
  NodeFacts node_;
  Tier tier_ = Tier::kTracepoint;
  int64_t started_boot_ns_ = 0;
  ActiveRules active_;                   // the pipeline has the matcher
  std::vector<std::string> item_files_;  // that lists took items from at the start
  ClockWatch clock_watch_{RealClock()};
  std::optional<RunStamp::Run> previous_run_;
  std::unique_ptr<RunStamp> run_stamp_;
  std::unique_ptr<TombstoneCodec> codec_;
  std::unique_ptr<Spool> spool_;
  std::unique_ptr<AlertLog> alert_log_;
  std::unique_ptr<Delivery> delivery_;
  std::unique_ptr<RecordingWriter> recorder_;
  std::unique_ptr<Pipeline> pipeline_;
  std::unique_ptr<KernelSensor> sensor_;
  std::unique_ptr<CriClient> containers_;  // null: nobody is asked
  std::unique_ptr<PrefilterFeed> prefilter_;
  std::unique_ptr<Canary> canary_;
  std::unique_ptr<FlowStage> flows_;  // null: off
  std::unique_ptr<Uplink> uplink_;
  std::unique_ptr<RuleReloader> reloader_;
  std::unique_ptr<AdminServer> admin_;
  std::unique_ptr<MetricsServer> metrics_server_;
  std::unique_ptr<HealthServer> health_server_;

  std::vector<Loss> losses_;
  std::vector<ProgramStats> programs_;  // as of the last tick
  uint64_t skipped_runs_ = 0;           // told so far
  uint64_t map_bytes_ = 0;
  std::string rules_error_;  // of the last attempt to load the rule files
  uint64_t reloads_ = 0;
  uint64_t reloads_refused_ = 0;
  uint64_t reload_pause_ns_ = 0;     // of the last one
  uint64_t evaluations_before_ = 0;  // by matchers that are gone
  std::atomic<bool> stop_ = false;
  std::atomic<std::chrono::steady_clock::time_point> last_turn_;  // of the pipeline

  mutable std::mutex state_mutex_;
  std::condition_variable published_;
  uint64_t publish_count_ ABSL_GUARDED_BY(state_mutex_) = 0;
  v1::AgentStatus status_ ABSL_GUARDED_BY(state_mutex_);
  MetricSet metrics_ ABSL_GUARDED_BY(state_mutex_);
  std::string not_ready_ ABSL_GUARDED_BY(state_mutex_);  // why; empty: it is
  std::atomic<bool> publish_wanted_ = false;
};

}  // namespace vakt

#endif  // VAKT_AGENT_APP_AGENT_H_
