// SPDX-License-Identifier: Apache-2.0
// vakt-agent: watches this node's kernel, matches events against rules, delivers alerts.
#include <csignal>
#include <cstdio>
#include <memory>
#include <string>

#include "agent/app/agent.h"
#include "agent/app/options.h"
#include "agent/sensor/kernel_sensor.h"
#include "common/base/log.h"
#include "common/base/process.h"
#include "common/base/status.h"
#include "common/base/version.h"
#include "common/config/settings.h"

namespace {

constexpr int kFailure = 1;
constexpr int kUsage = 2;

vakt::Agent* running_agent = nullptr;
volatile std::sig_atomic_t stop_requested = 0;  // also while the agent still starts

void OnStopSignal(int) {
  stop_requested = 1;
  if (running_agent != nullptr) running_agent->Stop();
}

void OnReloadSignal(int) {
  if (running_agent != nullptr) running_agent->Reload();
}

void InstallSignals() {
  struct sigaction action = {};
  action.sa_handler = OnStopSignal;
  sigaction(SIGTERM, &action, nullptr);
  sigaction(SIGINT, &action, nullptr);
  action.sa_handler = OnReloadSignal;
  sigaction(SIGHUP, &action, nullptr);
  signal(SIGPIPE, SIG_IGN);
}

int Fail(const absl::Status& status, int code) {
  std::fprintf(stderr, "vakt-agent: %s\n", std::string(vakt::Message(status)).c_str());
  return code;
}

// Configuration and rules that are wrong are the user's to correct (2); the rest is the machine
// (1).
int ExitCodeOf(const absl::Status& status) {
  return absl::IsInvalidArgument(status) ? kUsage : kFailure;
}

int Unpin(const std::string& path) {
  if (path.empty()) {
    return Fail(absl::InvalidArgumentError("--unpin needs --pin DIR"), kUsage);
  }
  const absl::Status status = vakt::KernelSensor::Unpin(path);
  return status.ok() ? 0 : Fail(status, ExitCodeOf(status));
}

}  // namespace

int main(int argc, char** argv) {
  const auto settings = vakt::Settings::Load(vakt::Program::kAgent, argc, argv);
  if (!settings.ok()) return Fail(settings.status(), kUsage);
  if (settings->help_requested()) {
    std::fputs(vakt::Settings::Help(vakt::Program::kAgent).c_str(), stdout);
    return 0;
  }
  if (settings->version_requested()) {
    std::printf("vakt-agent %s\n", std::string(vakt::kVersion).c_str());
    return 0;
  }
  if (settings->print_config_requested()) {
    std::fputs(settings->PrintConfig().c_str(), stdout);
    return 0;
  }
  vakt::DisableMutexChecks();
  vakt::GiveLargeMemoryBack();
  vakt::InitLog(vakt::ParseLogLevel(settings->Str("log.level")),
                settings->Str("log.format") == "json");
  if (settings->Bool("sensor.unpin")) return Unpin(settings->Str("sensor.pin"));
  const auto options = vakt::AgentOptionsFrom(*settings);
  if (!options.ok()) return Fail(options.status(), kUsage);

  InstallSignals();
  auto agent = vakt::Agent::Start(*options);
  if (!agent.ok()) return Fail(agent.status(), ExitCodeOf(agent.status()));
  running_agent = agent->get();
  if (stop_requested != 0) running_agent->Stop();
  const absl::Status status = (*agent)->Run();
  running_agent = nullptr;
  return status.ok() ? 0 : Fail(status, kFailure);
}
