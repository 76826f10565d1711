// SPDX-License-Identifier: Apache-2.0
// What one collector carries, against a fleet of simulated agents (agent_fleet.h) on the same
// machine. For each number of agents three parts, one line of a Markdown table each:
//
//   steady   every agent sends 10 alerts a second
//   full     every agent sends 100 as soon as the 100 before are acknowledged
//   storm    the collector is killed while they send, and comes back: all agents reconnect, and
//            what was not acknowledged is sent again
//
// Usage: fleet_bench [AGENTS...]  (100 500 2000). Exits with 1 when after the storm the store does
// not hold each alert that was sent exactly once.
#include <grpc/support/log.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "common/base/file.h"
#include "common/base/log.h"
#include "common/base/process.h"
#include "common/base/strings.h"
#include "tests/bench/agent_fleet.h"
#include "tests/integration/collector_client.h"
#include "tests/integration/collector_process.h"
#include "tests/support/temporary_directory.h"
#include "vakt/v1/fleet.grpc.pb.h"

namespace vakt {
namespace {

constexpr absl::Duration kPart = absl::Seconds(15);
// For what depends on the number of agents, on a machine that others use, too.
constexpr absl::Duration kPatience = absl::Minutes(3);
constexpr absl::Duration kPatiencePerAgent = absl::Milliseconds(60);
constexpr FleetLoad kSteady = {.batch_records = 10, .interval = absl::Seconds(1)};
constexpr FleetLoad kFull = {.batch_records = 100, .interval = absl::ZeroDuration()};

// The collector's use of the machine.
struct Usage {
  double cpu_seconds = 0;
  uint64_t rss_bytes = 0;
};

Usage UsageOf(pid_t pid) {
  Usage usage;
  const std::string stat = ReadFile(StrCat("/proc/", pid, "/stat")).value_or("");
  std::istringstream fields(stat.substr(stat.rfind(')') + 1));
  std::vector<std::string> words;
  for (std::string word; fields >> word;) words.push_back(word);
  if (words.size() < 22) return usage;
  const double ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
  usage.cpu_seconds = (std::stod(words[11]) + std::stod(words[12])) / ticks;
  usage.rss_bytes = std::stoull(words[21]) * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  return usage;
}

class FleetBench {
 public:
  explicit FleetBench(size_t agents)
      : agents_(agents),
        files_(
            WriteCertificates(authority_.Issue("spiffe://test/collector/main"), directory_.path())),
        fleet_(&authority_, agents) {
    LaunchCollector();
  }

  bool Run() {
    const absl::Time begin = absl::Now();
    const size_t connected = fleet_.AwaitConnected(patience_);
    printf("| %zu | connect | | | | | %.1f | |\n", agents_,
           absl::ToDoubleSeconds(absl::Now() - begin));
    fflush(stdout);
    if (connected < agents_) {
      fprintf(stderr, "only %zu of %zu agents were welcomed\n", connected, agents_);
      return false;
    }
    Measure("steady", kSteady);
    Measure("full", kFull);
    return Storm();
  }

 private:
  void LaunchCollector() {
    const std::string dir = directory_.path();
    collector_ = std::make_unique<CollectorProcess>(
        std::vector<std::string>{"--listen", "127.0.0.1:0", "--data-dir", dir + "/data", "--tls-ca",
                                 files_.ca, "--tls-cert", files_.cert, "--tls-key", files_.key,
                                 "--log-level", "error"},
        dir + "/ready", dir + "/log");
    address_ = collector_->WaitReady();
    if (address_.empty()) {
      fprintf(stderr, "the collector does not start: %s\n", collector_->Log().c_str());
      exit(1);
    }
    fleet_.SetAddress(address_);
  }

  void Measure(const char* part, const FleetLoad& load) {
    const Usage before = UsageOf(collector_->pid());
    const FleetReport report = fleet_.Run(load, kPart);
    const Usage after = UsageOf(collector_->pid());
    const double seconds = absl::ToDoubleSeconds(report.time);
    printf("| %zu | %s | %.0f | %.1f | %.1f | %.0f | %.1f | %llu |\n", agents_, part,
           static_cast<double>(report.acked_records) / seconds,
           absl::ToDoubleMilliseconds(report.p50), absl::ToDoubleMilliseconds(report.p99),
           absl::ToDoubleMilliseconds(report.max), seconds,
           static_cast<unsigned long long>(report.reconnects));
    printf("|  | collector | %.0f %% of one CPU | %llu MiB resident | | | | |\n",
           100 * (after.cpu_seconds - before.cpu_seconds) / seconds,
           static_cast<unsigned long long>(after.rss_bytes >> 20));
    fflush(stdout);
  }

  // Kills in the middle of full load, and counts what is stored in the end.
  bool Storm() {
    fleet_.Run(kFull, absl::Seconds(2));
    collector_->Kill();
    fleet_.Run(kFull, absl::Milliseconds(500));  // into the void
    LaunchCollector();
    const absl::Time begin = absl::Now();
    const size_t connected = fleet_.AwaitConnected(patience_);
    const absl::Duration until_connected = absl::Now() - begin;
    const bool drained = fleet_.AwaitAcknowledged(patience_);
    const absl::Duration until_drained = absl::Now() - begin;
    const size_t wrong = CountWrongNodes();
    printf(
        "| %zu | storm | all %zu back after %.1f s, drained after %.1f s, %zu nodes with losses "
        "or repetitions | | | | | |\n",
        agents_, connected, absl::ToDoubleSeconds(until_connected),
        absl::ToDoubleSeconds(until_drained), wrong);
    fflush(stdout);
    return connected == agents_ && drained && wrong == 0;
  }

  // Those of which not exactly what was sent is stored.
  size_t CountWrongNodes() {
    grpc::ChannelArguments arguments;
    const auto channel = OpenChannel(address_, authority_.Issue(kUserUri));
    const auto stub = v1::Fleet::NewStub(channel);
    const std::vector<v1::Node> all = ListAllNodes(stub.get());
    std::map<std::string, const v1::Node*> nodes;
    for (const v1::Node& node : all) nodes[node.node()] = &node;
    size_t wrong = 0;
    const std::vector<uint64_t> sent = fleet_.Sent();
    for (size_t i = 0; i < sent.size(); ++i) {
      const auto node = nodes.find(StrCat("n", i));
      const bool right = node != nodes.end() && node->second->stored().seq() == sent[i] &&
                         node->second->alerts() == sent[i];
      wrong += right ? 0 : 1;
    }
    return wrong;
  }

  const size_t agents_;
  const absl::Duration patience_ = kPatience + static_cast<int64_t>(agents_) * kPatiencePerAgent;
  TestAuthority authority_;
  TemporaryDirectory directory_;
  const CertificateFiles files_;
  std::unique_ptr<CollectorProcess> collector_;
  std::string address_;
  AgentFleet fleet_;  // goes first
};

int Main(int argc, char** argv) {
  gpr_set_log_verbosity(GPR_LOG_SEVERITY_ERROR);
  InitLog(LogLevel::kError, false);
  DisableMutexChecks();
  RaiseFileLimit();
  std::vector<size_t> sizes;
  for (int i = 1; i < argc; ++i) sizes.push_back(std::strtoul(argv[i], nullptr, 10));
  if (sizes.empty()) sizes = {100, 500, 2000};
  printf(
      "| Agents | Part | Alerts/s | p50 ms | p99 ms | max ms | Seconds | Reconnects |\n"
      "|---|---|---|---|---|---|---|---|\n");
  bool good = true;
  for (const size_t agents : sizes) good = FleetBench(agents).Run() && good;
  return good ? 0 : 1;
}

}  // namespace
}  // namespace vakt

int main(int argc, char** argv) { return vakt::Main(argc, argv); }
