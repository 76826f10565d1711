// SPDX-License-Identifier: Apache-2.0
// vakt-collector: takes what agents send, keeps it, and serves it to analysts and SIEMs.
#include <google/protobuf/stubs/logging.h>
#include <grpc/support/log.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "collector/app/collector.h"
#include "common/alert/priority.h"
#include "common/base/file.h"
#include "common/base/log.h"
#include "common/base/process.h"
#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/base/version.h"
#include "common/config/setting_value.h"
#include "common/config/settings.h"
#include "common/sinks/sink_config.h"

namespace vakt {
namespace {

constexpr int kExitFailure = 1;
constexpr int kExitUsage = 2;
// Users, strangers at the door, the store, sinks.
constexpr uint64_t kOtherFiles = 6'000;

int Fail(int exit_code, const absl::Status& status) {
  const std::string line = StrCat("vakt-collector: ", Message(status), "\n");
  fputs(line.c_str(), stderr);
  return exit_code;
}

LogLevel LogLevelOf(const std::string& name) {
  if (name == "debug") return LogLevel::kDebug;
  if (name == "warning") return LogLevel::kWarning;
  return name == "error" ? LogLevel::kError : LogLevel::kInfo;
}

// The libraries' own complaints, most of them about peers that fail the handshake or send malformed
// messages. Those can cause any number.
void LogGrpc(gpr_log_func_args* args) {
  if (args->severity == GPR_LOG_SEVERITY_ERROR && LogEvery("grpc", absl::Seconds(10))) {
    LogWarning(StrCat("gRPC: ", args->message));
  }
}
void LogProtobuf(google::protobuf::LogLevel /*level*/, const char* /*file*/, int /*line*/,
                 const std::string& message) {
  if (LogEvery("protobuf", absl::Seconds(10))) LogWarning(StrCat("protobuf: ", message));
}
void LogNothing(gpr_log_func_args* /*args*/) {}

// "debug=7d" and so on.
absl::StatusOr<std::vector<std::pair<int, absl::Duration>>> RetentionOf(
    const std::vector<std::string>& texts) {
  std::vector<std::pair<int, absl::Duration>> ages;
  for (const std::string& text : texts) {
    const size_t equals = text.find('=');
    const std::string_view name = std::string_view(text).substr(0, equals);
    const absl::StatusOr<absl::Duration> age =
        ParseDuration(equals == std::string::npos ? "" : text.substr(equals + 1));
    const std::optional<v1::Priority> priority = ParsePriority(name);
    const bool is_known = priority.has_value() || name == "note" || name == "flow";
    if (!is_known || !age.ok() || *age < absl::Minutes(1)) {
      return absl::InvalidArgumentError(
          StrCat("--retention-of: \"", text,
                 "\" is not PRIORITY=AGE, note=AGE or flow=AGE with an age of at least 1m"));
    }
    ages.emplace_back(priority.has_value() ? static_cast<int>(*priority)
                      : name == "flow"     ? kRetentionClassOfFlows
                                           : kRetentionClassOfNotes,
                      *age);
  }
  return ages;
}

absl::StatusOr<CollectorOptions> OptionsOf(const Settings& settings) {
  CollectorOptions options;
  options.listen = settings.Str("listen.address");
  options.tls = {settings.Str("tls.ca"), settings.Str("tls.cert"), settings.Str("tls.key")};
  if (options.tls.ca.empty() || options.tls.cert.empty() || options.tls.key.empty()) {
    return absl::InvalidArgumentError(
        "--tls-ca, --tls-cert and --tls-key are needed: agents and analysts are known by their "
        "certificates");
  }
  const uint64_t max_int = std::numeric_limits<int>::max();
  options.max_message_bytes =
      static_cast<int>(std::min(settings.Uint("listen.max_message_bytes"), max_int));
  options.ingest.max_agents = settings.Uint("listen.max_agents");
  options.door.agent_calls_per_second = settings.Uint("listen.agent_calls_per_second");
  options.door.user_calls_per_second = settings.Uint("listen.user_calls_per_second");
  options.door.strangers_per_second = settings.Uint("listen.strangers_per_second");
  options.door.strangers_burst = 5 * options.door.strangers_per_second;
  options.ingest.bytes_per_second = settings.Uint("listen.agent_bytes_per_second");
  options.ingest.node_bytes_per_day = settings.Uint("listen.node_bytes_per_day");
  options.ingest.idle_timeout = settings.Dur("listen.idle_timeout");
  options.store.directory = settings.Str("store.dir");
  options.store.retention = settings.Dur("store.retention");
  VAKT_ASSIGN_OR_RETURN(options.store.retention_of,
                        RetentionOf(settings.List("store.retention_of")));
  options.store.audit_retention = settings.Dur("store.audit_retention");
  options.workloads = {.url = settings.Str("kubernetes.api"),
                       .ca_file = settings.Str("kubernetes.ca"),
                       .token_file = settings.Str("kubernetes.token_file"),
                       .save_path = ""};
  options.token_file = settings.Str("access.token_file");
  options.metrics_listen = settings.Str("metrics.listen");
  VAKT_ASSIGN_OR_RETURN(options.sinks, ParseSinks(settings.Group("sinks")));
  return options;
}

// Signals are waited for, not handled: blocked here, before any thread starts, they reach sigwait.
sigset_t BlockSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGHUP);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

void CheckFileLimit(uint64_t files, size_t max_agents) {
  const uint64_t wanted = max_agents + kOtherFiles;
  if (files == 0 || files >= wanted) return;
  LogWarning(StrCat("this process may open ", files, " files, and ", max_agents,
                    " agents (--max-agents) need ", wanted,
                    ": raise the hard limit (ulimit -Hn, LimitNOFILE=)"));
}

int Serve(const CollectorOptions& options, const std::string& ready_file) {
  DisableMutexChecks();
  const uint64_t files = RaiseFileLimit();
  const sigset_t signals = BlockSignals();
  google::protobuf::SetLogHandler(LogProtobuf);
  gpr_set_log_function(LogNothing);  // a failed start says one line, which is ours
  absl::StatusOr<std::unique_ptr<Collector>> collector = Collector::Start(options);
  if (!collector.ok()) return Fail(kExitFailure, collector.status());
  gpr_set_log_function(LogGrpc);
  const std::string& address = (*collector)->address();
  if (!ready_file.empty()) {
    const absl::Status written = WriteFileAtomically(ready_file, StrCat(address, "\n"), 0644);
    if (!written.ok()) return Fail(kExitFailure, written);
  }
  CheckFileLimit(files, options.ingest.max_agents);
  LogInfo(StrCat("vakt-collector ", kVersion, " listens on ", address, ", store in ",
                 options.store.directory));
  int signal = 0;
  while (sigwait(&signals, &signal) == 0 && signal == SIGHUP) {
    LogInfo("opening the files of sinks again");
    (*collector)->ReopenFiles();
  }
  LogInfo(StrCat("stopping on signal ", signal));
  if (!ready_file.empty()) unlink(ready_file.c_str());
  (*collector)->Stop();
  collector->reset();
  LogInfo("stopped");
  return 0;
}

int Main(int argc, char** argv) {
  const absl::StatusOr<Settings> settings = Settings::Load(Program::kCollector, argc, argv);
  if (!settings.ok()) return Fail(kExitUsage, settings.status());
  if (settings->help_requested()) {
    fputs(Settings::Help(Program::kCollector).c_str(), stdout);
    return 0;
  }
  if (settings->version_requested()) {
    fputs(StrCat("vakt-collector ", kVersion, "\n").c_str(), stdout);
    return 0;
  }
  if (settings->print_config_requested()) {
    fputs(settings->PrintConfig().c_str(), stdout);
    return 0;
  }
  const absl::StatusOr<CollectorOptions> options = OptionsOf(*settings);
  if (!options.ok()) return Fail(kExitUsage, options.status());
  InitLog(LogLevelOf(settings->Str("log.level")), settings->Str("log.format") == "json");
  return Serve(*options, settings->Str("state.ready_file"));
}

}  // namespace
}  // namespace vakt

int main(int argc, char** argv) { return vakt::Main(argc, argv); }
