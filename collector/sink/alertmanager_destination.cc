// SPDX-License-Identifier: Apache-2.0
#include "collector/sink/alertmanager_destination.h"

#include <algorithm>
#include <string_view>

#include "absl/time/clock.h"
#include "collector/sink/http_destination.h"
#include "common/alert/priority.h"
#include "common/base/log.h"
#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/base/text.h"
#include "common/base/wakeup.h"

namespace vakt {
namespace {

constexpr absl::Duration kRepeat = absl::Minutes(1);
// Survives four repetitions that do not arrive.
constexpr absl::Duration kHold = absl::Minutes(5);
constexpr size_t kMaxOpen = 10'000;

// The levels that Alertmanager's routes usually know.
std::string_view Severity(v1::Priority priority) {
  if (priority <= v1::PRIORITY_CRITICAL) return "critical";
  return priority <= v1::PRIORITY_WARNING ? "warning" : "info";
}

void AppendMember(std::string_view key, std::string_view value, std::string* out) {
  if (value.empty()) return;  // to Alertmanager the same as none
  *out += StrCat(out->empty() ? "{" : ",", "\"", key, "\":", JsonQuote(EscapeUtf8(value)));
}

std::string_view FieldText(const v1::Alert& alert, std::string_view name) {
  for (const v1::OutputField& field : alert.output_fields()) {
    if (field.name() == name) return field.string_value();
  }
  return "";
}

std::string Labels(const v1::StoredRecord& record) {
  const v1::Alert& alert = record.record().alert();
  std::string out;
  AppendMember("alertname", alert.rule().empty() ? "unknown" : alert.rule(), &out);
  AppendMember("severity", Severity(alert.priority()), &out);
  AppendMember("priority", PriorityName(alert.priority()), &out);
  AppendMember("cluster", record.cluster(), &out);
  AppendMember("node", record.node(), &out);
  AppendMember("namespace", FieldText(alert, "k8s.ns.name"), &out);
  return out + "}";
}

std::string Annotations(const v1::Alert& alert) {
  std::string out;
  AppendMember("summary", alert.output().empty() ? alert.rule() : alert.output(), &out);
  AppendMember("uid", alert.uid(), &out);
  AppendMember("runbook_url", alert.runbook(), &out);
  return out.empty() ? "{}" : out + "}";
}

absl::Time FromProto(const google::protobuf::Timestamp& time) {
  return absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos());
}

std::string TimeText(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", time, absl::UTCTimeZone());
}

}  // namespace

absl::StatusOr<std::unique_ptr<Destination>> AlertmanagerDestination::Create(
    const SinkConfig& config) {
  HttpOptions options = HttpOptionsOf(config);
  while (options.url.ends_with('/')) options.url.pop_back();
  options.url += "/api/v2/alerts";
  VAKT_ASSIGN_OR_RETURN(auto client, HttpClient::Create(std::move(options)));
  return std::unique_ptr<Destination>(
      new AlertmanagerDestination(std::move(client), config.Dur("resolve_after")));
}

std::string AlertmanagerDestination::Take(const v1::StoredRecord& record, absl::Time now,
                                          OpenAlerts* alerts) const {
  const v1::Alert& alert = record.record().alert();
  const std::string labels = Labels(record);
  Open& open = (*alerts)[labels];
  const auto known = open_.find(labels);
  open.begin = known != open_.end() ? known->second.begin : std::min(now, FromProto(alert.time()));
  open.annotations = Annotations(alert);
  // From now, not from the event: what comes late, after a failure, must still be heard of.
  open.end = now + resolve_after_;
  if (alert.has_condition()) {
    const bool is_resolved = alert.condition().state() == v1::Condition::STATE_RESOLVED;
    open.begin = std::min(now, FromProto(alert.condition().opened()));
    open.end = is_resolved ? std::min(now, FromProto(alert.time())) : absl::InfiniteFuture();
  }
  return labels;
}

Delivery AlertmanagerDestination::Post(const OpenAlerts& alerts, absl::Time now) {
  std::string body = "[";
  for (const auto& [labels, open] : alerts) {
    const absl::Time end = open.end == absl::InfiniteFuture() ? now + kHold : open.end;
    body += StrCat(body.size() > 1 ? "," : "", "{\"labels\":", labels,
                   ",\"annotations\":", open.annotations, ",\"startsAt\":\"", TimeText(open.begin),
                   "\",\"endsAt\":\"", TimeText(std::max(end, open.begin)), "\"}");
  }
  const std::vector<std::string> bodies = {body + "]"};
  return ToDelivery(client_->Post(bodies)[0]);
}

std::vector<Delivery> AlertmanagerDestination::Deliver(absl::Span<const v1::StoredRecord> records) {
  const absl::Time now = absl::Now();
  OpenAlerts alerts;
  std::vector<std::string> keys;
  for (const v1::StoredRecord& record : records) keys.push_back(Take(record, now, &alerts));
  // What was remembered from before a restart is repeated at once, and nothing else.
  if (open_.empty()) next_tick_ = SteadyNow() + kRepeat;
  const Delivery together = Post(alerts, now);
  if (together.result == Delivery::Result::kDelivered) Keep(alerts, now);
  std::map<std::string, Delivery> outcomes;
  for (const auto& [labels, open] : alerts) {
    // Refused together: find out whose fault it is.
    const bool alone = together.result == Delivery::Result::kRefused && alerts.size() > 1;
    outcomes[labels] = alone ? Post({{labels, open}}, now) : together;
    if (alone && outcomes[labels].result == Delivery::Result::kDelivered) {
      Keep({{labels, open}}, now);
    }
  }
  std::vector<Delivery> deliveries;
  for (const std::string& key : keys) deliveries.push_back(outcomes[key]);
  return deliveries;
}

void AlertmanagerDestination::Keep(const OpenAlerts& alerts, absl::Time now) {
  for (const auto& [labels, open] : alerts) {
    if (open.end <= now) {
      open_.erase(labels);
    } else if (open_.size() < kMaxOpen || open_.contains(labels)) {
      open_[labels] = open;
    }
  }
}

void AlertmanagerDestination::Remember(const v1::StoredRecord& record) {
  if (!record.record().alert().has_condition()) return;
  const absl::Time now = absl::Now();
  OpenAlerts alerts;
  Take(record, now, &alerts);
  Keep(alerts, now);
}

absl::Duration AlertmanagerDestination::UntilTick() const {
  if (open_.empty()) return absl::InfiniteDuration();
  return std::max(absl::ZeroDuration(), next_tick_ - SteadyNow());
}

void AlertmanagerDestination::Tick() {
  const absl::Time now = absl::Now();
  next_tick_ = SteadyNow() + kRepeat;
  std::erase_if(open_, [now](const auto& entry) { return entry.second.end <= now; });
  if (open_.empty()) return;
  const Delivery delivery = Post(open_, now);
  if (delivery.result == Delivery::Result::kDelivered) return;
  if (LogEvery("sink.alertmanager.repeat", absl::Minutes(1))) {
    LogWarning(StrCat("cannot repeat open alerts to Alertmanager: ", delivery.reason));
  }
}

}  // namespace vakt
