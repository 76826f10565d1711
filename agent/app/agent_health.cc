// SPDX-License-Identifier: Apache-2.0
// What an agent answers those who look after it: Prometheus, and the probes of Kubernetes or of
// whoever starts it. Neither answer depends on the collector: that it is away makes no agent worse.
#include <chrono>
#include <utility>

#include "agent/app/agent.h"
#include "common/base/status.h"
#include "common/base/strings.h"

namespace vakt {
namespace {

// The pipeline turns at least once a second. A machine that keeps it from the CPU for so long has
// other troubles, and one that restarts it for less makes them worse.
constexpr std::chrono::seconds kLongestTurn{30};

}  // namespace

absl::Status Agent::StartDoors() {
  if (!options_.metrics_listen.empty()) {
    MetricsServerCalls calls;
    calls.metrics = [this] { return MetricsText(); };
    calls.alive = [this] { return WhyNotAlive(); };
    calls.ready = [this] { return WhyNotReady(); };
    VAKT_ASSIGN_OR_RETURN(metrics_server_,
                          MetricsServer::Start(options_.metrics_listen, std::move(calls)));
  }
  if (!options_.health_listen.empty()) {
    HealthChecks checks;
    checks.alive = [this] { return WhyNotAlive(); };
    checks.ready = [this] { return WhyNotReady(); };
    VAKT_ASSIGN_OR_RETURN(health_server_,
                          HealthServer::Start(options_.health_listen, std::move(checks)));
  }
  return absl::OkStatus();
}

std::string Agent::MetricsText() {
  WaitForPublish(absl::Milliseconds(500));
  std::lock_guard lock(state_mutex_);
  return metrics_.FormatPrometheus();
}

std::string Agent::WhyNotAlive() const {
  const auto age = std::chrono::steady_clock::now() - last_turn_.load();
  if (age < kLongestTurn) return "";
  return StrCat("the pipeline has not moved for ",
                std::chrono::duration_cast<std::chrono::seconds>(age).count(), " s");
}

std::string Agent::WhyNotReady() const {
  std::lock_guard lock(state_mutex_);
  return not_ready_;
}

// Ready: rules are active, and the hooks without which no rule can be judged are attached and see
// what is done to test them. What else this kernel refuses makes an agent degraded, not unready.
std::string Agent::JudgeReadiness() const {
  if (stop_.load(std::memory_order_relaxed)) return "the agent is stopping";
  if (active_.rules->rules.empty()) return "no rule is enabled";
  const KindSet blind = canary_ ? canary_->blind() : 0;
  for (const ProbeReport& report : sensor_->Report()) {
    const Kind kind = report.probe->kind;
    if (!In(RequiredKinds(), kind)) continue;
    if (report.state == ProbeReport::State::kFailed) {
      return StrCat("probe ", report.probe->program, " is not attached: ", report.detail);
    }
    if (In(blind, kind)) {
      return StrCat("probe ", report.probe->program, " does not see what is done to test it");
    }
  }
  return "";
}

}  // namespace vakt
