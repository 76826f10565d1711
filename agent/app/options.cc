// SPDX-License-Identifier: Apache-2.0
#include "agent/app/options.h"

#include "common/alert/priority.h"
#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/rulelang/output_settings.h"

namespace vakt {

absl::StatusOr<AgentOptions> AgentOptionsFrom(const Settings& settings) {
  AgentOptions o;
  o.rule_paths = settings.List("rules.paths");
  VAKT_ASSIGN_OR_RETURN(o.rule_selections, ParseRuleSelections(settings.List("rules.select")));
  VAKT_ASSIGN_OR_RETURN(o.static_fields, ParseStaticFields(settings.Group("static_fields")));
  VAKT_ASSIGN_OR_RETURN(o.output_additions, ParseOutputAdditions(settings.Group("append_output")));
  o.match_mode = settings.Str("rules.matching") == "all" ? MatchMode::kAll : MatchMode::kFirst;
  const auto priority = ParsePriority(settings.Str("rules.min_priority"));
  o.priority_floor = priority.has_value() ? static_cast<int>(*priority) : 7;
  o.alerts_path = settings.Str("alerts.path");
  o.alerts_format =
      settings.Str("alerts.format") == "text" ? AlertFormat::kText : AlertFormat::kJson;
  o.collectors = settings.List("collector.address");
  o.tls_ca = settings.Str("tls.ca");
  o.tls_cert = settings.Str("tls.cert");
  o.tls_key = settings.Str("tls.key");
  o.tls_server_name = settings.Str("tls.server_name");
  o.heartbeat = settings.Dur("uplink.heartbeat");
  o.node_name = settings.Str("node.name");
  o.scope = settings.Str("sensor.scope");
  o.ring_bytes = settings.Uint("sensor.ring_bytes");
  o.disabled_probes = settings.List("sensor.disabled_probes");
  o.tier = TierChoiceOf(settings.Str("sensor.tier"));
  o.strict = settings.Str("sensor.coverage") == "strict";
  o.user_stacks = settings.Str("sensor.user_stacks") == "on";
  o.canary = settings.Str("sensor.canary") == "on";
  o.prefilter = settings.Str("sensor.prefilter") == "on";
  o.pin_path = settings.Str("sensor.pin");
  o.flows = settings.Str("flows.enabled") == "on";
  o.flow.interval = settings.Dur("flows.interval");
  o.flow.afterglow = settings.Dur("flows.afterglow");
  o.cluster_blocks = settings.List("flows.cluster_blocks");
  o.flow_files.segments = settings.Str("flows.segments");
  o.flow_files.countries = settings.Str("flows.country_database");
  o.flow_files.systems = settings.Str("flows.asn_database");
  o.container_sockets = settings.List("containers.runtime");
  o.container_wait = settings.Dur("containers.wait");
  o.record_path = settings.Str("record.path");
  o.state_dir = settings.Str("state.dir");
  o.ready_file = settings.Str("state.ready_file");
  o.metrics_listen = settings.Str("metrics.listen");
  o.health_listen = settings.Str("health.listen");
  o.spool_max_bytes = settings.Uint("spool.max_bytes");
  if (!o.collectors.empty() && (o.tls_ca.empty() || o.tls_cert.empty() || o.tls_key.empty())) {
    return absl::InvalidArgumentError(
        StrCat("collector ", o.collectors.front(),
               " needs --tls-ca, --tls-cert and --tls-key: alerts travel over mutual TLS only "
               "(or --no-collector)"));
  }
  if (o.collectors.empty() && o.alerts_path.empty()) {
    return absl::InvalidArgumentError(
        "alerts would go nowhere: give --collector HOST:PORT or --alerts FILE (- is standard "
        "output)");
  }
  return o;
}

}  // namespace vakt
