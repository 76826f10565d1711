// SPDX-License-Identifier: Apache-2.0
// Collector: its metrics, its health, and whether it is ready. A full disk is no reason not to be:
// reads go on, and agents that could not even connect would never learn that there is room again.
// Of the service Ingest alone gRPC's health service says then that it does not serve.
#include <grpcpp/health_check_service_interface.h>
#include <unistd.h>

#include <cstdlib>

#include "collector/app/collector.h"
#include "common/base/clock.h"
#include "common/base/file.h"
#include "common/metrics/metric_set.h"

namespace vakt {
namespace {

constexpr char kIngest[] = "vakt.v1.Ingest";

// Second number of /proc/self/statm: resident pages.
uint64_t ResidentBytes() {
  const auto text = ReadFile("/proc/self/statm");
  if (!text.ok()) return 0;
  const size_t space = text->find(' ');
  if (space == std::string::npos) return 0;
  return std::strtoull(text->c_str() + space, nullptr, 10) *
         static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

void FillIngest(const IngestStats& stats, MetricSet* m) {
  m->Set("ingest_streams_total", stats.streams);
  m->Set("ingest_batches_total", stats.batches);
  m->Set("ingest_records_total", stats.records);
  m->Set("ingest_refused_total", stats.refused, {"identity"});
  m->Set("ingest_refused_total", stats.forged, {"forged"});
  m->Set("ingest_refused_total", stats.malformed, {"malformed"});
  m->Set("ingest_refused_total", stats.over_limit, {"over_limit"});
  m->Set("ingest_refused_total", stats.idle, {"idle"});
  m->Set("ingest_malformed_records_total", stats.malformed_records);
  m->Set("ingest_not_stored_total", stats.not_stored);
  m->Set("ingest_held_back_total", stats.held_back);
  m->Set("ingest_replaced_total", stats.replaced);
}

void FillDoor(const DoorStats& stats, MetricSet* m) {
  m->Set("connections", stats.waiting, {"waiting"});
  m->Set("connections", stats.inside, {"inside"});
  m->Set("connections_let_in_total", stats.let_in);
  m->Set("connections_refused_total", stats.crowd, {"crowd"});
  m->Set("connections_refused_total", stats.no_hello, {"no_hello"});
  m->Set("connections_refused_total", stats.waited, {"waited"});
  m->Set("connections_refused_total", stats.chatter, {"chatter"});
  m->Set("connections_refused_total", stats.no_call, {"no_call"});
  m->Set("connections_refused_total", stats.calls, {"calls"});
}

void FillSinks(const SinkSet& sinks, MetricSet* m) {
  for (const auto& sink : sinks.runners()) {
    const SinkStats stats = sink->stats();
    const auto set = [&](MetricId id, uint64_t value) {
      m->Set(id, value, {sink->name(), sink->kind()});
    };
    set("sink_delivered_total", stats.delivered);
    set("sink_retried_total", stats.retried);
    set("sink_refused_total", stats.refused);
    set("sink_deferred", stats.deferred);
    set("sink_expired_total", stats.expired);
    set("sink_failing", stats.failing ? 1 : 0);
    set("sink_lag_records", static_cast<uint64_t>(stats.lag_records));
    set("sink_lag_ns", static_cast<uint64_t>(stats.lag_ns));
  }
}

}  // namespace

std::string Collector::MetricsText() const {
  MetricSet metrics(kOfCollector);
  FillDoor(door_->stats(), &metrics);
  FillIngest(ingest_->stats(), &metrics);
  metrics.Set("chain_breaks_total", store_->chain_breaks());
  const FleetWatch::Totals fleet = fleet_watch_->totals();
  metrics.Set("nodes", fleet.nodes);
  for (const auto& [condition, nodes] : fleet.open) {
    metrics.Set("node_conditions", nodes, {condition});
  }
  metrics.Set("store_commits_total", store_->commits());
  metrics.Set("store_pending_bytes", store_->pending_bytes());
  metrics.Set("store_full", store_->is_full() ? 1 : 0);
  metrics.Set("store_newest_record", static_cast<uint64_t>(store_->last_id()));
  metrics.Set("pods_known", workloads_.pods());
  metrics.Set("kubernetes_in_step", owner_watch_ != nullptr && owner_watch_->in_step() ? 1 : 0);
  metrics.Set("kubernetes_failures_total", owner_watch_ == nullptr ? 0 : owner_watch_->failures());
  metrics.Set("subscriptions", subscriptions_->size());
  metrics.Set("node_watches", node_watches_->size());
  FillSinks(*sinks_, &metrics);
  metrics.Set("rss_bytes", ResidentBytes());
  metrics.Set("uptime_ns", static_cast<uint64_t>(RealClock().BootNs() - started_boot_ns_));
  return metrics.FormatPrometheus();
}

void Collector::ReportHealth() {
  grpc::HealthCheckServiceInterface* const health = server_->GetHealthCheckService();
  for (const char* service :
       {kIngest, "vakt.v1.Alerts", "vakt.v1.Flows", "vakt.v1.Fleet", "vakt.v1.Admin"}) {
    health->SetServingStatus(service, true);
  }
  store_->SetFullListener([health](bool is_full) { health->SetServingStatus(kIngest, !is_full); });
  if (store_->is_full()) health->SetServingStatus(kIngest, false);
}

std::string Collector::NotReady() const {
  return serving_ ? "" : "the collector is starting or stopping";
}

}  // namespace vakt
