// SPDX-License-Identifier: Apache-2.0
#include "common/sinks/sink_table.h"

namespace vakt {
namespace {

constexpr uint8_t kHttp = static_cast<uint8_t>(SinkKind::kHttp);
constexpr uint8_t kSyslog = static_cast<uint8_t>(SinkKind::kSyslog);
constexpr uint8_t kAlertmanager = static_cast<uint8_t>(SinkKind::kAlertmanager);
constexpr uint8_t kFile = static_cast<uint8_t>(SinkKind::kFile);
constexpr uint8_t kAll = kHttp | kSyslog | kAlertmanager | kFile;
constexpr uint8_t kOverHttp = kHttp | kAlertmanager;
constexpr uint8_t kOverNetwork = kOverHttp | kSyslog;

constexpr SinkKindRow kKinds[] = {
    {SinkKind::kHttp, "http",
     "One HTTP POST for each alert, with Falco's JSON as its body: what falcosidekick and other "
     "receivers of Falco's http_output take unchanged.",
     "The answer is 2xx. 400, 413, 414, 415, 422 and 431 refuse the alert; anything else is tried "
     "again, after the time of Retry-After if there is one. 429, 503 and 507 blame the receiver's "
     "load."},
    {SinkKind::kSyslog, "syslog",
     "Syslog (RFC 5424) over TLS with octet counting (RFC 5425). Message id: the rule; structured "
     "data: rule, uid, node and cluster; severity: the priority.",
     "Syslog has no acknowledgements. Each batch has a connection of its own: we close our side, "
     "and "
     "the receiver, having read to the end, closes its own. One that closes early, resets or stays "
     "silent gets the batch again."},
    {SinkKind::kAlertmanager, "alertmanager",
     "Prometheus Alertmanager, API v2. Labels are few and stable (alertname, priority, severity, "
     "cluster, node, namespace), so that alerts group; what changes is in annotations. An alert "
     "resolves when it has not been repeated for resolve_after, a condition of a node when it "
     "ends.",
     "The answer is 2xx. One that is refused is set aside; the rest of its request is sent again."},
    {SinkKind::kFile, "file",
     "A file that each alert is appended to. It is opened again on SIGHUP, and when another file "
     "has "
     "taken its name.",
     "The line is written and synced to the disk."},
};

// clang-format off
constexpr SinkKeyRow kKeys[] = {
    {"kind", kAll, SettingType::kEnum, true, "", "http|syslog|alertmanager|file", "",
     "What it is."},
    {"min_priority", kAll, SettingType::kEnum, false, "debug",
     "emergency|alert|critical|error|warning|notice|informational|debug", "",
     "Alerts of a lower priority than this are not sent."},
    {"rules", kAll, SettingType::kList, false, "", "", "",
     "Only alerts of these rules, by their exact names; empty: of all."},
    {"nodes", kAll, SettingType::kList, false, "", "", "",
     "Only alerts of these nodes; empty: of all."},
    {"condition", kAll, SettingType::kString, false, "", "", "",
     "Only alerts for which this holds, in the rules' language: `alert.severity <= 3 and proc.name != "
     "cron`; empty: all."},
    {"start", kAll, SettingType::kEnum, false, "now", "now|beginning", "",
     "Where a sink begins that the collector did not have before: at what is stored from now on, or "
     "at the oldest record."},
    {"retry_max", kAll, SettingType::kDuration, false, "30s", "", "10ms",
     "Longest time between two attempts while the other side fails."},
    {"url", kHttp, SettingType::kString, true, "", "", "",
     "http:// or https:// URL to post to."},
    {"url", kAlertmanager, SettingType::kString, true, "", "", "",
     "http:// or https:// URL of the Alertmanager, without /api/v2."},
    {"address", kSyslog, SettingType::kString, true, "", "", "",
     "host:port of the receiver."},
    {"path", kFile, SettingType::kPath, true, "", "", "",
     "The file; its directory must exist."},
    {"transport", kSyslog, SettingType::kEnum, false, "tls", "tls|tcp-without-encryption", "",
     "TLS, or, only where the network is trusted with every alert, plain TCP."},
    {"timeout", kOverNetwork, SettingType::kDuration, false, "10s", "", "100ms",
     "Time for one attempt, from the connection to the answer."},
    {"ca", kOverNetwork, SettingType::kPath, false, "", "", "",
     "PEM file of the authorities whose certificates are accepted; empty: the system's."},
    {"cert", kOverNetwork, SettingType::kPath, false, "", "", "",
     "PEM file of a client certificate chain; empty: none."},
    {"key", kOverNetwork, SettingType::kPath, false, "", "", "",
     "PEM file of its private key."},
    {"server_name", kSyslog, SettingType::kString, false, "", "", "",
     "Name that the receiver's certificate must carry; empty: the host of address."},
    {"token_file", kOverHttp, SettingType::kPath, false, "", "", "",
     "File with a token, sent as `Authorization: Bearer`; it is read for each request."},
    {"facility", kSyslog, SettingType::kEnum, false, "authpriv",
     "kern|user|daemon|auth|syslog|authpriv|local0|local1|local2|local3|local4|local5|local6|local7", "",
     "Syslog facility."},
    {"format", kSyslog | kFile, SettingType::kEnum, false, "json", "json|text", "",
     "The message: Falco's JSON, or one line of text."},
    {"resolve_after", kAlertmanager, SettingType::kDuration, false, "5m", "", "1s",
     "Time without repetition after which an alert resolves."},
};
// clang-format on

}  // namespace

SettingRow SinkKeyRow::AsSetting() const {
  return {name, "", type, default_text, kInCollector, choices, at_least, text};
}

absl::Span<const SinkKindRow> AllSinkKinds() { return kKinds; }
absl::Span<const SinkKeyRow> AllSinkKeys() { return kKeys; }

const SinkKindRow* FindSinkKind(std::string_view name) {
  for (const SinkKindRow& row : kKinds) {
    if (row.name == name) return &row;
  }
  return nullptr;
}

const SinkKeyRow* FindSinkKey(SinkKind kind, std::string_view name) {
  for (const SinkKeyRow& row : kKeys) {
    if (row.in(kind) && row.name == name) return &row;
  }
  return nullptr;
}

const SinkKindRow& RowOf(SinkKind kind) {
  for (const SinkKindRow& row : kKinds) {
    if (row.kind == kind) return row;
  }
  return kKinds[0];  // unreachable: the table has a row for each
}

}  // namespace vakt
