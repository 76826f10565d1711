// SPDX-License-Identifier: Apache-2.0
#include "collector/fleet/condition_check.h"

#include "collector/store/own_alert.h"
#include "common/base/strings.h"
#include "common/base/text.h"
#include "common/time/wall_time.h"

namespace vakt {
namespace {

// The third heartbeat is not due yet; two are missing.
constexpr double kSilentHeartbeats = 2.5;
constexpr absl::Duration kRolloutGrace = absl::Minutes(10);
constexpr absl::Duration kClockOff = absl::Seconds(5);
constexpr int64_t kLifeParts = 5;

std::string Rounded(absl::Duration time) {
  return absl::FormatDuration(time > absl::Seconds(10) ? absl::Trunc(time, absl::Seconds(1))
                                                       : absl::Trunc(time, absl::Milliseconds(1)));
}

std::string Silent(const NodeState& node, const Moment& now) {
  const absl::Duration silent = now.steady - node.heard;
  if (silent <= kSilentHeartbeats * node.heartbeat) return "";
  return StrCat("nothing heard for ", Rounded(silent), ", heartbeats are due every ",
                Rounded(node.heartbeat));
}

std::string Blind(const NodeState& node) {
  if (node.attached_probes + node.failed_probes == 0) return "";  // the agent has not told
  if (node.attached_probes == 0) return "no probe is attached";
  return node.rules == 0 ? "no rule is loaded" : "";
}

std::string Losing(const NodeState& node, const Moment& now) {
  if (now.steady - node.last_loss > kQuietHeartbeats * node.heartbeat) return "";
  return StrCat(node.lost_lately, " events or alerts had no room");
}

std::string Malformed(const NodeState& node, const Moment& now) {
  if (now.steady - node.last_malformed > kQuietHeartbeats * node.heartbeat) return "";
  return StrCat(node.malformed_lately, " records could not be taken; ", node.malformed_reason);
}

std::string OverShare(const NodeState& node, const Moment& now) {
  if (now.steady - node.last_over_share > kQuietHeartbeats * node.heartbeat) return "";
  return "its share of the day is used up (--node-bytes-per-day)";
}

std::string Degraded(const NodeState& node) {
  if (node.failed_probes == 0) return "";
  return StrCat(node.failed_probes, " probes failed: ", node.failed_names);
}

std::string RulesDiffer(const NodeState& node, const Moment& now) {
  const absl::Duration differ = now.steady - node.rules_differ_since;
  return differ < kRolloutGrace
             ? ""
             : StrCat("rules ", node.rule_set_hash.substr(0, 12), " are not those of most nodes");
}

std::string ProgramDiffers(const NodeState& node, const Moment& now) {
  if (!node.program_changed.empty()) return node.program_changed;
  if (now.steady - node.program_differs_since < kRolloutGrace) return "";
  return StrCat("program ", node.program_digest.substr(0, 12), " is not that of most nodes with ",
                node.agent_version);
}

std::string ClockOff(const NodeState& node, bool open) {
  const absl::Duration ahead = node.clock_ahead.value_or(absl::ZeroDuration());
  if (absl::AbsDuration(ahead) <= (open ? kClockOff / 2 : kClockOff)) return "";
  return StrCat("its clock is ", Rounded(absl::AbsDuration(ahead)),
                ahead > absl::ZeroDuration() ? " ahead" : " behind");
}

std::string CertificateEnding(const NodeState& node, const Moment& now) {
  if (!node.certificate.has_value()) return "";
  const int64_t end = node.certificate->end_wall_ns;
  const int64_t life = end - node.certificate->begin_wall_ns;
  if (end - now.wall_ns >= life / kLifeParts) return "";
  return StrCat(
      now.wall_ns < end ? "its certificate ends " : "its certificate ended ",
      absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", absl::FromUnixNanos(end), absl::UTCTimeZone()));
}

void AddField(std::string_view name, std::string_view value, v1::Alert* alert) {
  v1::OutputField* field = alert->add_output_fields();
  field->set_name(std::string(name));
  field->set_string_value(EscapeUtf8(value));
}

}  // namespace

std::string CheckCondition(ConditionId id, const NodeState& node, const Moment& now, bool open) {
  switch (id) {
    case ConditionId::kSilent:
      return Silent(node, now);
    case ConditionId::kBlind:
      return Blind(node);
    case ConditionId::kLosing:
      return Losing(node, now);
    case ConditionId::kDegraded:
      return Degraded(node);
    case ConditionId::kOldRules:
      return RulesDiffer(node, now);
    case ConditionId::kClock:
      return ClockOff(node, open);
    case ConditionId::kCertificate:
      return CertificateEnding(node, now);
    case ConditionId::kMalformed:
      return Malformed(node, now);
    case ConditionId::kOverShare:
      return OverShare(node, now);
    case ConditionId::kProgram:
      return ProgramDiffers(node, now);
  }
  return "";
}

v1::Alert MakeConditionAlert(const ConditionTableRow& row, const ConditionRow& condition,
                             v1::Condition::State state, int64_t wall_ns) {
  const bool opened = state == v1::Condition::STATE_OPENED;
  v1::Alert alert;
  FromWallNs(wall_ns, alert.mutable_time());
  alert.set_rule(std::string(row.rule));
  alert.set_priority(row.priority);
  alert.set_source(std::string(kOwnSource));
  alert.set_hostname(EscapeUtf8(condition.about.node));
  const std::string open_for = Rounded(absl::Nanoseconds(wall_ns - condition.opened_ns));
  alert.set_output(
      StrCat(opened ? row.text : StrCat("Over after ", open_for),
             " (node=", EscapeUtf8(condition.about.node),
             " cluster=", EscapeUtf8(condition.about.cluster), " ", condition.name,
             opened ? " opened: " : " resolved; it was: ", EscapeUtf8(condition.detail), ")"));
  AddField("vakt.node", condition.about.node, &alert);
  AddField("vakt.cluster", condition.about.cluster, &alert);
  AddField("vakt.condition", condition.name, &alert);
  AddField("vakt.state", opened ? "opened" : "resolved", &alert);
  AddField("vakt.detail", condition.detail, &alert);
  alert.add_tags("vakt_collector");
  alert.add_tags("vakt_condition");
  v1::Condition* stated = alert.mutable_condition();
  stated->set_name(condition.name);
  stated->set_state(state);
  FromWallNs(condition.opened_ns, stated->mutable_opened());
  return alert;
}

}  // namespace vakt
