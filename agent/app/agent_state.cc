// SPDX-License-Identifier: Apache-2.0
// What an agent tells about itself: status, metrics, hello and heartbeat.
#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <numeric>
#include <utility>

#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "agent/app/agent.h"
#include "agent/app/probe_status.h"
#include "common/base/clock.h"
#include "common/base/file.h"
#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/time/wall_time.h"

namespace vakt {
namespace {

// Second number of /proc/self/statm: resident pages.
uint64_t ResidentBytes() {
  const auto text = ReadFile("/proc/self/statm");
  unsigned long long size = 0, resident = 0;
  if (!text.ok() || std::sscanf(text->c_str(), "%llu %llu", &size, &resident) != 2) return 0;
  return resident * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

v1::AgentStats ToProto(const MetricSet& metrics) {
  v1::AgentStats out;
  metrics.Visit([&](const MetricRow& row, absl::Span<const std::string> labels, uint64_t value) {
    v1::Metric* metric = out.add_metrics();
    metric->set_name(std::string(row.name));
    metric->set_help(std::string(row.text));
    metric->set_type(row.type == MetricType::kCounter ? "counter" : "gauge");
    metric->set_value(value);
    const std::vector<std::string> names =
        absl::StrSplit(ToAbsl(row.labels), ',', absl::SkipEmpty());
    for (size_t i = 0; i < labels.size() && i < names.size(); ++i) {
      (*metric->mutable_labels())[names[i]] = labels[i];
    }
  });
  return out;
}

}  // namespace

void Agent::Publish() {
  v1::AgentStatus status;
  MetricSet metrics;
  FillStatus(&status);
  FillMetrics(&metrics);
  std::string not_ready = JudgeReadiness();
  {
    std::lock_guard lock(state_mutex_);
    status_ = std::move(status);
    metrics_ = std::move(metrics);
    not_ready_ = std::move(not_ready);
    ++publish_count_;
  }
  published_.notify_all();
}

void Agent::WaitForPublish(absl::Duration timeout) {
  std::unique_lock lock(state_mutex_);
  const uint64_t before = publish_count_;
  publish_wanted_.store(true);
  sensor_->Wake();
  published_.wait_for(lock, absl::ToChronoMilliseconds(timeout),
                      [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return publish_count_ != before; });
}

v1::AgentStatus Agent::Status(absl::Duration timeout) {
  WaitForPublish(timeout);
  std::lock_guard lock(state_mutex_);
  return status_;
}

v1::AgentStats Agent::Stats(absl::Duration timeout) {
  WaitForPublish(timeout);
  std::lock_guard lock(state_mutex_);
  return ToProto(metrics_);
}

v1::Hello Agent::MakeHello() {
  std::lock_guard lock(state_mutex_);
  v1::Hello hello;
  hello.set_node(node_.hostname);
  hello.set_boot_id(node_.boot_id);
  hello.set_epoch(node_.epoch);
  hello.set_agent_version(node_.agent_version);
  hello.set_kernel_release(node_.kernel_release);
  hello.set_rule_set_hash(status_.rule_set_hash());
  hello.set_rules(status_.rules());
  hello.set_program_digest(node_.program_digest);
  *hello.mutable_probes() = status_.probes();
  return hello;
}

v1::Heartbeat Agent::MakeHeartbeat() {
  std::lock_guard lock(state_mutex_);
  v1::Heartbeat heartbeat;
  FromWallNs(RealClock().WallNs(), heartbeat.mutable_time());
  for (const auto& [name, value] : metrics_.Flatten())
    (*heartbeat.mutable_counters())[name] = value;
  *heartbeat.mutable_probes() = status_.probes();
  heartbeat.set_spooled_records(status_.spooled_records());
  heartbeat.set_rule_set_hash(status_.rule_set_hash());
  heartbeat.set_rules(status_.rules());
  return heartbeat;
}

void Agent::FillStatus(v1::AgentStatus* s) const {
  s->set_version(node_.agent_version);
  s->set_node(node_.hostname);
  s->set_boot_id(node_.boot_id);
  s->set_epoch(node_.epoch);
  s->set_pid(static_cast<uint32_t>(getpid()));
  s->set_uptime_ns(static_cast<uint64_t>(RealClock().BootNs() - started_boot_ns_));
  s->set_kernel_release(node_.kernel_release);
  s->set_tier(node_.tier);
  s->set_rule_set_hash(active_.rules->hash);
  s->set_rules(static_cast<uint32_t>(active_.rules->rules.size()));
  s->set_rules_error(rules_error_);
  s->set_scope(options_.scope);
  s->set_pinned(options_.pin_path);
  s->set_collector(absl::StrJoin(options_.collectors, ","));
  bool degraded = false;
  for (const ProbeReport& report : sensor_->Report()) {
    v1::ProbeStatus* probe = s->add_probes();
    probe->set_name(StrCat(report.probe->program, "@", report.probe->target));
    probe->set_kind(std::string(KindStem(report.probe->kind)));
    probe->set_tier(std::string(TierName(report.tier)));
    probe->set_state(std::string(ProbeStateName(report.state)));
    probe->set_detail(report.detail);
    if (!IsBlind(report)) continue;
    degraded = true;
    s->add_blind_spots(std::string(report.probe->blind_spot));
  }
  const KindSet blind = canary_ ? canary_->blind() : 0;
  for (const KindRow& row : KernelKinds()) {
    if (!In(blind, row.kind)) continue;
    degraded = true;
    s->add_blind_spots(
        StrCat(row.stem, ": its hooks do not see an act that was done to test them"));
  }
  s->set_state(degraded ? "degraded" : "ready");
  FillCapabilities(s);
  if (spool_) {
    const Position acked = spool_->acknowledged();
    s->mutable_acked()->set_epoch(acked.epoch);
    s->mutable_acked()->set_seq(acked.seq);
    s->set_spooled_records(spool_->stats().pending_records);
  }
  if (uplink_) {
    const Uplink::State uplink = uplink_->state();
    if (uplink.connected) s->set_collector(uplink.collector);
    s->set_collector_connected(uplink.connected);
    s->set_collector_error(uplink.error);
  }
}

void Agent::FillMetrics(MetricSet* m) const {
  FillSensorMetrics(m);
  FillPipelineMetrics(m);
  FillContainerMetrics(m);
  FillDeliveryMetrics(m);
  if (flows_) flows_->FillMetrics(m);
  m->Set("rss_bytes", ResidentBytes());
  m->Set("bpf_map_bytes", map_bytes_);
  m->Set("uptime_ns", static_cast<uint64_t>(RealClock().BootNs() - started_boot_ns_));
}

absl::StatusOr<v1::Programs> Agent::Programs(absl::Duration measure) const {
  absl::StatusOr<std::vector<ProgramStats>> measured;
  meter_->Do([&] { measured = sensor_->Programs(measure); });
  VAKT_ASSIGN_OR_RETURN(const std::vector<ProgramStats> programs, std::move(measured));
  v1::Programs out;
  out.set_measured_ns(static_cast<uint64_t>(absl::ToInt64Nanoseconds(measure)));
  for (const ProgramStats& program : programs) {
    v1::Program* row = out.add_programs();
    row->set_name(program.name);
    row->set_verified_instructions(program.verified_instructions);
    row->set_jited_bytes(program.jited_bytes);
    row->set_runs(program.runs);
    row->set_run_time_ns(program.run_time_ns);
    row->set_skipped(program.skipped);
  }
  return out;
}

void Agent::FillSensorMetrics(MetricSet* m) const {
  const SensorCounters counters = sensor_->Counters();
  for (const KindRow& row : KernelKinds()) {
    const auto kind = static_cast<size_t>(row.kind);
    if (row.kind == Kind::process_seed) continue;  // from the iterator: not a hook
    m->Set("events_hook_hits_total", counters.hits[kind], {row.stem});
    m->Set("events_filtered_total", counters.filtered[kind], {row.stem});
    m->Set("events_delivered_total", counters.delivered[kind], {row.stem});
    for (size_t reason = 0; reason < LossReasons().size(); ++reason) {
      m->Set("events_lost_total", counters.lost[kind][reason], {row.stem, LossReasons()[reason]});
    }
  }
  const auto& answers = counters.lost[static_cast<size_t>(Kind::none)];
  m->Set("dns_answers_total", std::accumulate(answers.begin(), answers.end(), uint64_t{0}),
         {"lost"});
  const KindSet blind = canary_ ? canary_->blind() : 0;
  for (const KindRow& row : KernelKinds()) {
    if (row.kind != Kind::process_seed) m->Set("kinds_blind", In(blind, row.kind), {row.stem});
  }
  for (const ProgramStats& program : programs_) {
    m->Set("programs_skipped_total", program.skipped, {program.name});
  }
}

void Agent::FillContainerMetrics(MetricSet* m) const {
  const ContainerTable& containers = pipeline_->enricher().containers();
  m->Set("containers", containers.size());
  m->Set("containers_unknown", containers.unknown());
  m->Set("containers_refused_total", containers.refused());
  m->Set("events_held", pipeline_->events_held());
  m->Set("events_held_total", pipeline_->counters().held);
  m->Set("events_not_held_total", pipeline_->counters().not_held);
  m->Set("alerts_partial_total", pipeline_->counters().partial_alerts);
  const CriClient::Stats runtime = containers_ ? containers_->stats() : CriClient::Stats();
  m->Set("runtime_connected", runtime.connected ? 1 : 0);
  m->Set("runtime_requests_total", runtime.requests);
  m->Set("runtime_failures_total", runtime.failures);
  m->Set("container_accounts_failures_total", runtime.unread_accounts);
}

void Agent::FillPipelineMetrics(MetricSet* m) const {
  for (size_t i = 0; i < kDropReasonCount; ++i) {
    const auto reason = static_cast<DropReason>(i);
    m->Set("events_decode_errors_total", pipeline_->decoder().dropped(reason),
           {DropReasonName(reason)});
  }
  m->Set("rules", active_.rules->rules.size());
  m->Set("rule_evaluations_total", evaluations_before_ + pipeline_->matcher().evaluations());
  m->Set("rule_reloads_total", reloads_, {"loaded"});
  m->Set("rule_reloads_total", reloads_refused_, {"refused"});
  m->Set("rule_reload_pause_ns", reload_pause_ns_);
  m->Set("alerts_total", pipeline_->counters().alerts);
  m->Set("alerts_suppressed_total", pipeline_->correlator().counters().suppressed);
  m->Set("correlate_evictions_total", pipeline_->correlator().counters().evicted);
  m->Set("gaps_total", pipeline_->counters().gaps);
  m->Set("processes", pipeline_->enricher().processes().size());
  m->Set("processes_forgotten_total", pipeline_->enricher().processes().forgotten());
  m->Set("processes_unknown_total", pipeline_->enricher().counters().unknown_processes);
}

void Agent::FillDeliveryMetrics(MetricSet* m) const {
  m->Set("alerts_shed_total", delivery_->counters().alerts_shed + delivery_->counters().log_shed);
  if (alert_log_) m->Set("alerts_write_errors_total", alert_log_->write_errors());
  if (spool_) {
    const Spool::Stats spool = spool_->stats();
    m->Set("spool_pending_records", spool.pending_records);
    m->Set("spool_bytes", spool.bytes);
    m->Set("spool_appended_total", spool.appended);
    m->Set("spool_corrupt_total", spool.corrupt);
    m->Set("spool_quarantined_total", spool.quarantined);
    m->Set("spool_write_errors_total", spool.write_errors);
    m->Set("spool_syncs_total", spool.syncs);
  }
  if (uplink_) {
    const Uplink::State uplink = uplink_->state();
    m->Set("uplink_connected", uplink.connected ? 1 : 0);
    m->Set("uplink_sent_records_total", uplink.sent_records);
    m->Set("uplink_acked_records_total", uplink.acked_records);
    m->Set("uplink_reconnects_total", uplink.reconnects);
  }
}

}  // namespace vakt
