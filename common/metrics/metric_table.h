// SPDX-License-Identifier: Apache-2.0
// Metrics of agent and collector: one row each. `vaktctl agent stats`, heartbeats, the collector's
// /metrics and docs/reference/metrics.md come from the rows. To add a metric, add a row and set it
// where it is counted; a name that has no row does not compile.
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
  kCounter,  // since the start of the program; never falls. Its name ends in _total
  kGauge,    // as it is now
};

// Whose metric it is, one bit each.
inline constexpr uint8_t kOfAgent = 1, kOfCollector = 2;

struct MetricRow {
  std::string_view name;
  MetricType type;
  std::string_view unit;    // "events", "bytes", "ns"
  std::string_view labels;  // "kind,reason"; empty: none
  std::string_view text;
  uint8_t programs = kOfAgent;
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

    {"flows", MetricType::kGauge, "flows", "",
     "Flows that go on or have just ended, and listeners."},
    {"flow_records_total", MetricType::kCounter, "records", "", "Flow records made."},
    {"flow_records_shed_total", MetricType::kCounter, "records", "",
     "Of these, refused by the spool's queue; each is part of a gap record."},
    {"flows_folded_total", MetricType::kCounter, "flows", "",
     "Flows (connections, and at most datagrams) that found no room in a table: they are part of "
     "their program's record without addresses."},
    {"flow_files_loaded_total", MetricType::kCounter, "files", "",
     "Files of segments, countries and autonomous systems that were read anew."},
    {"flow_files_refused_total", MetricType::kCounter, "files", "",
     "Of these such as could not be read or are none of their kind: what they held before stays in "
     "force."},
    {"flow_names", MetricType::kGauge, "addresses", "", "Addresses whose names are known."},
    {"dns_answers_total", MetricType::kCounter, "answers", "result",
     "Answers of name servers that processes received: learned, ignored because they tell of no "
     "address, or lost for want of room in a ring (as were pieces of ClientHellos)."},
    {"tls_hellos_total", MetricType::kCounter, "hellos", "result",
     "TLS ClientHellos that processes sent: learned, or ignored because they tell neither a name "
     "nor a fingerprint."},
    {"flows_unknown_process_total", MetricType::kCounter, "sums", "",
     "Sums of flows of processes that the agent does not know."},

    {"containers", MetricType::kGauge, "containers", "", "Containers that the agent knows."},
    {"containers_unknown", MetricType::kGauge, "containers", "",
     "Of these, those of which the container runtime has said nothing."},
    {"containers_refused_total", MetricType::kCounter, "containers", "",
     "Containers that found no room in the table: the runtime is not asked about them."},
    {"events_held", MetricType::kGauge, "events", "",
     "Events that wait for what the container runtime says of their container."},
    {"events_held_total", MetricType::kCounter, "events", "",
     "Events that did, so that the rules are decided with it."},
    {"events_not_held_total", MetricType::kCounter, "events", "",
     "Events that should have waited and found no room: decided at once, their alerts are partial."},
    {"alerts_partial_total", MetricType::kCounter, "alerts", "",
     "Alerts made without what the container runtime knows of their container."},
    {"runtime_connected", MetricType::kGauge, "0 or 1", "",
     "Whether the container runtime answers."},
    {"runtime_requests_total", MetricType::kCounter, "requests", "",
     "Requests to the container runtime."},
    {"runtime_failures_total", MetricType::kCounter, "requests", "",
     "Of these, those that failed otherwise than by \"not found\"."},
    {"container_accounts_failures_total", MetricType::kCounter, "containers", "",
     "Containers whose own files of users and groups could not be read."},

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

    {"connections", MetricType::kGauge, "connections", "where",
     "Connections now: waiting at the door, or inside.", kOfCollector},
    {"connections_let_in_total", MetricType::kCounter, "connections", "",
     "Connections that were handed to the TLS handshake.", kOfCollector},
    {"connections_refused_total", MetricType::kCounter, "connections", "reason",
     "Connections that the door closed: crowd, no_hello, waited, no_call, calls, chatter (docs/limits.md).",
     kOfCollector},
    {"ingest_streams_total", MetricType::kCounter, "streams", "",
     "Streams that agents opened.", kOfCollector},
    {"ingest_batches_total", MetricType::kCounter, "batches", "",
     "Batches stored and acknowledged.", kOfCollector},
    {"ingest_records_total", MetricType::kCounter, "records", "",
     "Records stored and acknowledged, with those that were there already.", kOfCollector},
    {"ingest_refused_total", MetricType::kCounter, "refusals", "reason",
     "What was refused: identity (no agent's certificate), forged (another node's name), malformed, "
     "over_limit, idle.", kOfCollector},
    {"ingest_malformed_records_total", MetricType::kCounter, "records", "",
     "Records that could not be taken: kept apart, with gaps in their places.", kOfCollector},
    {"ingest_not_stored_total", MetricType::kCounter, "batches", "",
     "Batches that the store could not take; their agents send them again.", kOfCollector},
    {"ingest_held_back_total", MetricType::kCounter, "times", "",
     "Times that an agent was made to wait because it sent more than its rate.", kOfCollector},
    {"ingest_replaced_total", MetricType::kCounter, "streams", "",
     "Streams ended because the node connected anew.", kOfCollector},
    {"chain_breaks_total", MetricType::kCounter, "breaks", "",
     "Times that a node's stream did not continue what is stored of it; each is an alert.", kOfCollector},
    {"nodes", MetricType::kGauge, "nodes", "", "Nodes that the collector knows.", kOfCollector},
    {"node_conditions", MetricType::kGauge, "nodes", "condition",
     "Nodes on which the condition is open.", kOfCollector},
    {"store_commits_total", MetricType::kCounter, "commits", "", "Synced commits of the store.",
     kOfCollector},
    {"store_pending_bytes", MetricType::kGauge, "bytes", "", "What waits for the disk.", kOfCollector},
    {"store_full", MetricType::kGauge, "0 or 1", "",
     "Whether the last write found no room on the disk.", kOfCollector},
    {"store_newest_record", MetricType::kGauge, "id", "",
     "Number of the newest record; it rises by one with each.", kOfCollector},
    {"pods_known", MetricType::kGauge, "pods", "",
     "Pods of which the Kubernetes API has told the owner.", kOfCollector},
    {"kubernetes_in_step", MetricType::kGauge, "0 or 1", "",
     "Whether owners of pods are watched at the Kubernetes API; 0 also when nobody is asked.",
     kOfCollector},
    {"kubernetes_failures_total", MetricType::kCounter, "requests", "",
     "Requests to the Kubernetes API that failed.", kOfCollector},
    {"subscriptions", MetricType::kGauge, "subscriptions", "", "Subscribers that are connected.",
     kOfCollector},
    {"node_watches", MetricType::kGauge, "watches", "", "Clients that watch the nodes.",
     kOfCollector},
    {"sink_delivered_total", MetricType::kCounter, "alerts", "sink,kind",
     "Alerts whose arrival the other side confirmed.", kOfCollector},
    {"sink_retried_total", MetricType::kCounter, "alerts", "sink,kind",
     "Attempts that did not succeed; each alert is sent again.", kOfCollector},
    {"sink_refused_total", MetricType::kCounter, "alerts", "sink,kind",
     "Alerts that the other side will never take; they are in the sink's .refused.jsonl.", kOfCollector},
    {"sink_deferred", MetricType::kGauge, "alerts", "sink,kind",
     "Alerts that failed while others arrived, and are tried again on their own.", kOfCollector},
    {"sink_expired_total", MetricType::kCounter, "records", "sink,kind",
     "At most: records that retention deleted before the sink had read them.", kOfCollector},
    {"sink_failing", MetricType::kGauge, "0 or 1", "sink,kind",
     "Whether the last attempt did not succeed.", kOfCollector},
    {"sink_lag_records", MetricType::kGauge, "records", "sink,kind",
     "Records between the sink's cursor and the newest.", kOfCollector},
    {"sink_lag_ns", MetricType::kGauge, "ns", "sink,kind",
     "Age of the oldest alert that is being sent; 0: none is.", kOfCollector},

    {"rss_bytes", MetricType::kGauge, "bytes", "", "Resident memory of the program.",
     kOfAgent | kOfCollector},
    {"bpf_map_bytes", MetricType::kGauge, "bytes", "",
     "Kernel memory of the agent's maps and rings, as the kernel accounts it."},
    {"uptime_ns", MetricType::kGauge, "ns", "", "Time since the program started.",
     kOfAgent | kOfCollector},
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
