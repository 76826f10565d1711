// SPDX-License-Identifier: Apache-2.0
// Settings of all programs: one row each. Flags, environment variables, configuration files, help,
// --print-config and docs/reference/settings.md come from the rows. To add a setting, add a row.
//
// Threads: the table is constant.
#ifndef VAKT_COMMON_CONFIG_SETTING_TABLE_H_
#define VAKT_COMMON_CONFIG_SETTING_TABLE_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/types/span.h"

namespace vakt {

// One bit per program, so that a row can name several.
enum class Program : uint8_t { kAgent = 1, kCollector = 2, kVaktctl = 4 };
inline constexpr uint8_t kInAgent = 1, kInCollector = 2, kInVaktctl = 4;

enum class SettingType : uint8_t {
  kString,
  kPath,
  kList,  // of strings or paths: the flag may be repeated, or take several with commas
  kBool,  // --flag, --no-flag
  kUint,
  kBytes,     // 1024-based: 4096, 64k, 16MiB, 1GiB
  kDuration,  // 10ms, 5s, 1h30m, 90d
  kEnum,      // one of `choices`
};

struct SettingRow {
  std::string_view name;  // in files, nested by the dot: "collector.address"
  std::string_view flag;  // "--collector"
  SettingType type;
  std::string_view default_text;
  uint8_t programs;
  std::string_view choices;   // kEnum: "first|all"
  std::string_view at_least;  // least value allowed of a number, size or duration; empty: none
  std::string_view text;      // what it does, for people who operate it

  bool in(Program program) const { return (programs & static_cast<uint8_t>(program)) != 0; }
};

// clang-format off
inline constexpr SettingRow kSettings[] = {
    {"rules.paths", "--rules", SettingType::kList, "/etc/vakt/rules", kInAgent, "", "",
     "Rule files, or directories of them (read recursively, in name order)."},
    {"rules.matching", "--rule-matching", SettingType::kEnum, "first", kInAgent, "first|all", "",
     "Whether an event that matches several rules alerts for the first of them or for each."},
    {"rules.select", "--rule-select", SettingType::kList, "", kInAgent, "", "",
     "Rules to switch on or off after loading, in turn: enable:rule:NAME, disable:rule:NAME (with * "
     "for any text), enable:tag:TAG or disable:tag:TAG."},
    {"rules.min_priority", "--min-priority", SettingType::kEnum, "debug", kInAgent,
     "emergency|alert|critical|error|warning|notice|informational|debug", "",
     "Rules of a lower priority than this are not loaded."},

    {"alerts.path", "--alerts", SettingType::kPath, "", kInAgent, "", "",
     "File that each alert is appended to; - is standard output, empty is none."},
    {"alerts.format", "--alerts-format", SettingType::kEnum, "json", kInAgent, "json|text", "",
     "Format of that file: one JSON object (as Falco writes it) or one line of text per alert."},

    {"collector.address", "--collector", SettingType::kList, "", kInAgent, "", "",
     "host:port of the collector; several in order of preference: the next one is tried when one "
     "does not answer. Empty (--no-collector) sends nothing."},
    {"collector.address", "--collector", SettingType::kString, "127.0.0.1:7443", kInVaktctl, "", "",
     "host:port of the collector to ask."},
    {"collector.token_file", "--token-file", SettingType::kPath, "", kInVaktctl, "", "",
     "File that holds a token for the collector, in the place of --tls-cert and --tls-key."},

    {"listen.address", "--listen", SettingType::kString, "127.0.0.1:7443", kInCollector, "", "",
     "host:port that agents and analysts connect to; port 0 takes any free one. 0.0.0.0 is all IPv4 "
     "addresses, [::] all of either kind."},
    {"listen.max_message_bytes", "--max-message-bytes", SettingType::kBytes, "4MiB", kInCollector, "",
     "64KiB", "Largest message taken from a peer; larger ones end its stream."},

    {"listen.max_agents", "--max-agents", SettingType::kUint, "10000", kInCollector, "", "1",
     "Agents that may be connected at once."},
    {"listen.agent_calls_per_second", "--agent-calls-per-second", SettingType::kUint, "10",
     kInCollector, "", "",
     "Calls that one agent may make, ten times as many at once; one that makes more is disconnected "
     "until they are paid for. A well-behaved one makes one call for each connection. 0: no limit."},
    {"listen.user_calls_per_second", "--user-calls-per-second", SettingType::kUint, "2000",
     kInCollector, "", "",
     "Calls that one user may make, twice as many at once; one that makes more is disconnected until "
     "they are paid for. 0: no limit."},
    {"listen.strangers_per_second", "--strangers-per-second", SettingType::kUint, "20", kInCollector,
     "", "1",
     "Connections that an address may open and not make a call on, five times as many at once; "
     "further ones wait. A handshake costs milliseconds of CPU."},
    {"listen.agent_bytes_per_second", "--agent-bytes-per-second", SettingType::kBytes, "32MiB",
     kInCollector, "", "", "What one agent may send; one that has more waits. 0: no limit."},
    {"listen.node_bytes_per_day", "--node-bytes-per-day", SettingType::kBytes, "4GiB", kInCollector,
     "", "",
     "What of one node is stored in a day, all of it at once if need be; a node that has more waits, "
     "and the condition node_over_share says so. 0: no limit."},
    {"listen.idle_timeout", "--idle-timeout", SettingType::kDuration, "5m", kInCollector, "", "1s",
     "An agent from which nothing came for so long, not even a heartbeat, is disconnected."},

    {"tls.ca", "--tls-ca", SettingType::kPath, "", kInAgent | kInCollector | kInVaktctl, "", "",
     "PEM file of the authorities whose certificates are accepted from the other side."},
    {"tls.cert", "--tls-cert", SettingType::kPath, "", kInAgent | kInCollector | kInVaktctl, "", "",
     "PEM file of this program's certificate chain; its SPIFFE URI says who it is."},
    {"tls.key", "--tls-key", SettingType::kPath, "", kInAgent | kInCollector | kInVaktctl, "", "",
     "PEM file of the certificate's private key."},
    {"tls.server_name", "--tls-server-name", SettingType::kString, "", kInAgent | kInVaktctl, "", "",
     "Name that the collector's certificate must carry; empty: the host that is dialled."},

    {"node.name", "--node-name", SettingType::kString, "", kInAgent, "", "",
     "Name of this node in alerts; empty: the host name. With a collector it must equal the "
     "certificate's."},

    {"sensor.ring_bytes", "--ring-bytes", SettingType::kBytes, "8MiB", kInAgent, "", "64KiB",
     "Memory of all event rings together; it is divided over the CPUs."},
    {"sensor.scope", "--scope", SettingType::kPath, "", kInAgent, "", "",
     "cgroup v2 directory below which processes are watched; empty: the whole node."},
    {"sensor.disabled_probes", "--disable-probe", SettingType::kList, "", kInAgent, "", "",
     "Probes not to attach, by the name before the @ in `vaktctl agent status`."},
    {"sensor.tier", "--tier", SettingType::kEnum, "auto", kInAgent, "auto|inline|tracepoint", "",
     "How system calls are seen: inline, by hooks on their functions, costs other calls nothing; "
     "tracepoint works on kernels that refuse those; auto: inline where the kernel allows it."},
    {"sensor.coverage", "--coverage", SettingType::kEnum, "fast", kInAgent, "fast|strict", "",
     "strict: 32-bit calls on files are seen, too, at the price of ~30 ns for each system call of the "
     "machine."},
    {"sensor.user_stacks", "--user-stacks", SettingType::kEnum, "on", kInAgent, "on|off", "",
     "Whether events of critical calls tell where in its program the process made them."},
    {"sensor.canary", "--canary", SettingType::kEnum, "on", kInAgent, "on|off", "",
     "Whether the agent does harmless acts every few seconds to see whether its hooks see them."},
    {"sensor.prefilter", "--prefilter", SettingType::kEnum, "on", kInAgent, "on|off", "",
     "Whether the kernel leaves out events on which no rule can fire; alerts are the same."},
    {"sensor.pin", "--pin", SettingType::kPath, "", kInAgent, "", "",
     "Directory below a BPF file system, such as /sys/fs/bpf/vakt, that keeps hooks and rings alive "
     "when the agent ends: the next one takes over and delivers what happened meanwhile. Empty: they "
     "end with the agent."},
    {"sensor.unpin", "--unpin", SettingType::kBool, "false", kInAgent, "", "",
     "Removes what agents left in the directory of --pin, and ends."},

    {"flows.enabled", "--flows", SettingType::kEnum, "on", kInAgent, "on|off", "",
     "Whether the agent tells who talks to whom, and how much: one record per program and service."},
    {"flows.interval", "--flow-interval", SettingType::kDuration, "1m", kInAgent, "", "1s",
     "How often a flow that goes on is told."},
    {"flows.afterglow", "--flow-afterglow", SettingType::kDuration, "10s", kInAgent, "", "1s",
     "A flow has ended when nothing was open or said for so long: connections in between are one."},
    {"flows.cluster_blocks", "--cluster-block", SettingType::kList, "", kInAgent, "", "",
     "Blocks of addresses of the cluster's pods and services, such as 10.42.0.0/16: remote sides "
     "within them are of the class cluster."},
    {"flows.segments", "--segments", SettingType::kPath, "", kInAgent, "", "",
     "File that declares segments of the cluster and which of them are to be apart "
     "(docs/formats/segments.md), for flow.segment and flow.apart. Read anew when it changes."},
    {"flows.country_database", "--country-database", SettingType::kPath, "", kInAgent, "", "",
     "Database of the countries of addresses, in MaxMind's format (docs/formats/network_database.md), "
     "for flow.remote.country. Read anew when it changes."},
    {"flows.asn_database", "--asn-database", SettingType::kPath, "", kInAgent, "", "",
     "Database of the autonomous systems of addresses, likewise, for flow.remote.asn."},

    {"containers.runtime", "--container-runtime", SettingType::kList,
     "/run/containerd/containerd.sock,/run/crio/crio.sock,/run/k3s/containerd/containerd.sock,"
     "/run/host-containerd/containerd.sock",
     kInAgent, "", "",
     "Sockets at which a container runtime may be asked what a container is (CRI: containerd, CRI-O); "
     "the first that answers is. Empty (--no-container-runtime) asks nobody."},
    {"containers.wait", "--container-wait", SettingType::kDuration, "1s", kInAgent, "", "",
     "How long an alert waits for what the container runtime says of its container; without that by "
     "then it is marked partial."},

    {"record.path", "--record", SettingType::kPath, "", kInAgent, "", "",
     "File that every event is recorded to, for `vaktctl replay`; empty is none."},

    {"state.dir", "--state-dir", SettingType::kPath, "/var/lib/vakt/agent",
     kInAgent | kInVaktctl, "", "",
     "Directory of the spool and of what else outlives the agent."},
    {"state.ready_file", "--ready-file", SettingType::kPath, "", kInAgent | kInCollector, "", "",
     "File that is written once the program is ready, and removed when it stops."},

    {"spool.max_bytes", "--spool-max-bytes", SettingType::kBytes, "256MiB", kInAgent, "", "16MiB",
     "Disk space of alerts that the collector has not acknowledged yet."},

    {"uplink.heartbeat", "--heartbeat", SettingType::kDuration, "10s", kInAgent, "", "100ms",
     "Time between heartbeats to the collector."},

    {"access.token_file", "--token-file", SettingType::kPath, "", kInCollector, "", "",
     "File of users' tokens, by their hashes (vaktctl tokens new); empty: users need certificates."},

    {"metrics.listen", "--metrics-listen", SettingType::kString, "", kInAgent | kInCollector, "", "",
     "host:port (or port) where Prometheus finds /metrics, and probes /healthz and /readyz, over "
     "plain HTTP; empty: nowhere."},
    {"health.listen", "--health-listen", SettingType::kString, "", kInAgent, "", "",
     "host:port that answers grpc.health.v1 without TLS, as Kubernetes asks it: the services "
     "liveness, readiness and \"\" (both); empty: nowhere."},

    {"store.dir", "--data-dir", SettingType::kPath, "/var/lib/vakt/collector", kInCollector, "", "",
     "Directory of the alert store."},
    {"store.retention", "--retention", SettingType::kDuration, "90d", kInCollector, "", "1m",
     "Age at which stored alerts are deleted."},
    {"store.retention_of", "--retention-of", SettingType::kList, "", kInCollector, "", "",
     "Another age for some: of alerts by their priority, of gaps and lifecycle notes by \"note\", of "
     "flows by \"flow\" (14d unless the retention is less); debug=7d,informational=30d,note=365d is "
     "three of them."},
    {"store.audit_retention", "--audit-retention", SettingType::kDuration, "365d", kInCollector, "",
     "1m", "Age at which entries of the audit log are deleted."},

    {"kubernetes.api", "--kubernetes-api", SettingType::kString, "", kInCollector, "", "",
     "URL of the Kubernetes API that is asked which workload made a pod, https://kubernetes.default.svc "
     "in a pod: lists and watches pods, replica sets and jobs. Empty: names and labels have to do."},
    {"kubernetes.ca", "--kubernetes-ca", SettingType::kPath,
     "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt", kInCollector, "", "",
     "Authority of its certificate; empty: the system's."},
    {"kubernetes.token_file", "--kubernetes-token-file", SettingType::kPath,
     "/var/run/secrets/kubernetes.io/serviceaccount/token", kInCollector, "", "",
     "The collector's token for it; empty: none is sent."},

    {"log.level", "--log-level", SettingType::kEnum, "info", kInAgent | kInCollector,
     "debug|info|warning|error", "", "Least severe message of the program's own log (on stderr)."},
    {"log.format", "--log-format", SettingType::kEnum, "text", kInAgent | kInCollector, "text|json", "",
     "Log lines as text, or as one JSON object each."},
};
// clang-format on

// A part of the file in which the operator chooses names: "<group>.<name>.<key>". Whoever the group
// belongs to knows its keys.
struct SettingGroupRow {
  std::string_view name;
  uint8_t programs;
  std::string_view text;

  bool in(Program program) const { return (programs & static_cast<uint8_t>(program)) != 0; }
};

// clang-format off
inline constexpr SettingGroupRow kSettingGroups[] = {
    {"static_fields", kInAgent,
     "Fields with values of the operator's: static.NAME in conditions and outputs."},
    {"append_output", kInAgent,
     "What is added to the alerts of some rules: docs/formats/rules.md."},
    {"sinks", kInCollector, "Where stored alerts are sent on to: docs/reference/sinks.md."},
};
// clang-format on

inline absl::Span<const SettingRow> AllSettings() { return kSettings; }
std::string_view ProgramName(Program program);              // "vakt-agent"
std::string_view SettingTypeName(SettingType type);         // "path list"
std::string SettingEnvironmentName(const SettingRow& row);  // "VAKT_COLLECTOR": from the flag
// Null when `program` has no such setting. Names as in files; flags with their dashes.
const SettingRow* FindSetting(Program program, std::string_view name);
const SettingRow* FindSettingByFlag(Program program, std::string_view flag);

// The name of a setting of one of the types `Types`, checked when it is compiled.
template <SettingType... Types>
class SettingName {
 public:
  consteval SettingName(const char* name) : name_(name) {  // NOLINT(google-explicit-constructor)
    bool found = false;
    for (const SettingRow& row : kSettings) {
      found = found || (row.name == name_ && ((row.type == Types) || ...));
    }
    if (!found) throw "no setting of this name and type: see kSettings";
  }
  std::string_view get() const { return name_; }

 private:
  std::string_view name_;
};

}  // namespace vakt

#endif  // VAKT_COMMON_CONFIG_SETTING_TABLE_H_
