// SPDX-License-Identifier: Apache-2.0
// Metrics of the agent: one row each. `vaktctl agent stats`, heartbeats and
// docs/reference/metrics.md come from the rows. To add a metric, add a row and set it where it is
// counted; a name that has no row does not compile.
//
// For each event kind, at any quiet moment:
//   events_hook_hits_total = events_filtered_total + events_delivered_total + events_lost_total
//
// Threads: the table is constant.
#ifndef VAKT_COMMON_METRICS_METRIC_TABLE_H_
#define VAKT_COMMON_METRICS_METRIC_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string_view>

#include "absl/types/span.h"

namespace vakt {

enum class MetricType : uint8_t {
  kCounter,  // since the start of the agent; never falls. Its name ends in _total
  kGauge,    // as it is now
};

struct MetricRow {
  std::string_view name;
  MetricType type;
  std::string_view unit;    // "events", "bytes", "ns"
  std::string_view labels;  // "kind,reason"; empty: none
  std::string_view text;
};

// clang-format off
inline constexpr MetricRow kMetrics[] = {
    {"events_hook_hits_total", MetricType::kCounter, "events", "kind",
     "Times that a hook had an event of this kind to report."},
    {"events_filtered_total", MetricType::kCounter, "events", "kind",
     "Of these, dropped in the kernel because no rule could match or the process is out of scope."},
    {"events_delivered_total", MetricType::kCounter, "events", "kind",
     "Of these, taken from the rings by the agent."},
    {"events_lost_total", MetricType::kCounter, "events", "kind,reason",
     "Of these, lost in the kernel; each loss is also a gap record in the stream."},
    {"kinds_blind", MetricType::kGauge, "kinds", "kind",
     "1 while the hooks of this kind do not see the act that is done to test them."},
    {"programs_skipped_total", MetricType::kCounter, "runs", "program",
     "Times that the kernel did not run a probe because it was running already on that CPU: events "
     "that no other counter knows."},
    {"events_decode_errors_total", MetricType::kCounter, "events", "reason",
     "Delivered events that were malformed and not evaluated."},

    {"rules", MetricType::kGauge, "rules", "", "Rules that are active."},
    {"rule_evaluations_total", MetricType::kCounter, "evaluations", "",
     "Conditions that were evaluated for an event."},
    {"rule_reloads_total", MetricType::kCounter, "reloads", "result",
     "Times that the rule files were read again: loaded or refused (the old rules stay)."},
    {"rule_reload_pause_ns", MetricType::kGauge, "ns", "",
     "How long the last exchange of rules held events up."},
    {"alerts_total", MetricType::kCounter, "alerts", "", "Alerts made."},
    {"alerts_suppressed_total", MetricType::kCounter, "alerts", "",
     "Alerts that the throttle of their rule held back; summaries tell of each."},
    {"correlate_evictions_total", MetricType::kCounter, "keys", "",
     "Keys of throttle or correlate given up because the table was full; each is part of a gap record."},
    {"alerts_shed_total", MetricType::kCounter, "alerts", "",
     "Alerts that found no room on their way to the collector; each is part of a gap record."},
    {"alerts_write_errors_total", MetricType::kCounter, "alerts", "",
     "Alerts that could not be written to the alerts file."},
    {"gaps_total", MetricType::kCounter, "records", "", "Gap records made."},

    {"processes", MetricType::kGauge, "processes", "", "Processes that the agent knows."},
    {"processes_forgotten_total", MetricType::kCounter, "processes", "",
     "Processes forgotten because the table was full."},
    {"processes_unknown_total", MetricType::kCounter, "processes", "",
     "Processes first seen by an event other than their start, so known in part only."},

    {"spool_pending_records", MetricType::kGauge, "records", "",
     "Records that the collector has not acknowledged."},
    {"spool_bytes", MetricType::kGauge, "bytes", "", "Disk space of the spool."},
    {"spool_appended_total", MetricType::kCounter, "records", "", "Records put into the spool."},
    {"spool_corrupt_total", MetricType::kCounter, "records", "",
     "Damaged records found when the spool was read."},
    {"spool_quarantined_total", MetricType::kCounter, "files", "",
     "Spool files set aside because they could not be read."},
    {"spool_write_errors_total", MetricType::kCounter, "errors", "",
     "Writes or syncs of the spool that failed."},
    {"spool_syncs_total", MetricType::kCounter, "syncs", "", "Syncs of the spool to disk."},

    {"uplink_connected", MetricType::kGauge, "0 or 1", "", "Whether the collector is connected."},
    {"uplink_sent_records_total", MetricType::kCounter, "records", "",
     "Records sent, including those sent again after a lost connection."},
    {"uplink_acked_records_total", MetricType::kCounter, "records", "",
     "Records that the collector has stored."},
    {"uplink_reconnects_total", MetricType::kCounter, "connections", "",
     "Connections made after the first one was lost."},

    {"rss_bytes", MetricType::kGauge, "bytes", "", "Resident memory of the agent."},
    {"bpf_map_bytes", MetricType::kGauge, "bytes", "",
     "Kernel memory of the agent's maps and rings, as the kernel accounts it."},
    {"uptime_ns", MetricType::kGauge, "ns", "", "Time since the agent started."},
};
// clang-format on

inline absl::Span<const MetricRow> AllMetrics() { return kMetrics; }

// A row of the table by its name, found when it is compiled: MetricId("rules").
class MetricId {
 public:
  consteval MetricId(const char* name) {  // NOLINT(google-explicit-constructor)
    while (index_ < std::size(kMetrics) && kMetrics[index_].name != name) ++index_;
    if (index_ == std::size(kMetrics)) throw "no metric of this name: see kMetrics";
  }
  size_t index() const { return index_; }
  const MetricRow& row() const { return kMetrics[index_]; }

 private:
  size_t index_ = 0;
};

}  // namespace vakt

#endif  // VAKT_COMMON_METRICS_METRIC_TABLE_H_
