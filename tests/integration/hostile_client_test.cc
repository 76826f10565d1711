// SPDX-License-Identifier: Apache-2.0
// Clients that want the collector's end: with a valid certificate, as a compromised node has, and
// without. Each row of the table attacks for a few seconds while good agents send alerts. Then the
// collector must still be the same process, within its memory, and hold each alert of the good
// agents exactly once. How long those waited for acknowledgements is printed beside the time
// without attack.
//
// An attacker on another machine brings his own CPU, and cannot take the collector's but by what
// he makes it do. So he has CPU 0 here, and collector and good agents the others, with and without
// attack: on two CPUs these two share one, and all that the collector spends on the attack is taken
// from them. VAKT_HOSTILE_CPUS=shared lets all have all CPUs, which adds the attacker's own work.
//
// VAKT_HOSTILE_SECONDS: of each attack (2). VAKT_HOSTILE_ATTACK: only those whose names have this.
// VAKT_HOSTILE_MESSAGES: malformed messages (5,000).
#include <fcntl.h>
#include <grpc/support/log.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "common/base/file.h"
#include "common/base/strings.h"
#include "tests/bench/agent_fleet.h"
#include "tests/integration/collector_client.h"
#include "tests/integration/collector_process.h"
#include "tests/integration/hostile_attacks.h"
#include "tests/support/temporary_directory.h"

namespace vakt {
namespace {

// An attacker comes from a machine of its own, so it has another address. Each attack has its own
// attacker, of whom the door knows nothing yet.
std::string AttackerAddress(size_t number) { return StrCat("127.0.0.", 2 + number); }
std::string AttackerNode(size_t number) { return StrCat("evil-", number); }
constexpr int kAttackerCpu = 0;
constexpr FleetLoad kLoad = {.batch_records = 10, .interval = absl::Milliseconds(100)};
// What the documentation promises: what gRPC may hold for its peers, what waits for the disk, the
// store's caches and the program itself.
constexpr uint64_t kMaxResidentBytes = 640ull << 20;

double Setting(const char* name, double otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtod(text, nullptr);
}

// Has an effect on the calling thread and all that it starts from here on.
class OwnCpus {
 public:
  OwnCpus() : apart_(!SharedIsWanted() && sysconf(_SC_NPROCESSORS_ONLN) > 1) {
    if (apart_) LeaveTheAttackersCpu();
  }
  int attackers() const { return apart_ ? kAttackerCpu : -1; }
  const char* text() const { return apart_ ? "of his own" : "that all share"; }

 private:
  static bool SharedIsWanted() {
    const char* text = std::getenv("VAKT_HOSTILE_CPUS");
    return text != nullptr && std::string_view(text) == "shared";
  }
  static void LeaveTheAttackersCpu() {
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    for (int cpu = 0; cpu < sysconf(_SC_NPROCESSORS_ONLN); ++cpu) {
      if (cpu != kAttackerCpu) CPU_SET(cpu, &cpus);
    }
    sched_setaffinity(0, sizeof(cpus), &cpus);
  }

  const bool apart_;
};

// The program hostile_client as a child process: attacks until Stop, or until it has done enough.
class Attacker {
 public:
  Attacker(std::vector<std::string> words, std::string out_path) : out_path_(std::move(out_path)) {
    words.insert(words.begin(), VAKT_BINARY_DIR "/bin/hostile_client");
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    const pid_t owner = getpid();
    pid_ = fork();
    if (pid_ != 0) return;
    // Only async-signal-safe calls from here: the parent has threads.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != owner) _exit(127);  // it ended before that
    dup2(open(out_path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), STDOUT_FILENO);
    execv(arguments[0], arguments.data());
    _exit(127);
  }
  ~Attacker() { Stop(); }
  Attacker(const Attacker&) = delete;
  Attacker& operator=(const Attacker&) = delete;

  bool IsAtWork() {
    if (pid_ > 0 && waitpid(pid_, nullptr, WNOHANG) == pid_) pid_ = -1;
    return pid_ > 0;
  }
  // How often it acted.
  uint64_t Stop() {
    if (pid_ > 0 && kill(pid_, SIGTERM) == 0) waitpid(std::exchange(pid_, -1), nullptr, 0);
    return std::strtoull(ReadFile(out_path_).value_or("").c_str(), nullptr, 10);
  }

 private:
  const std::string out_path_;
  pid_t pid_ = -1;
};

class HostileClientTest : public ::testing::Test {
 protected:
  HostileClientTest()
      : files_(
            WriteCertificates(authority_.Issue("spiffe://test/collector/main"), directory_.path())),
        fleet_(&authority_, kGoodAgents) {
    gpr_set_log_verbosity(GPR_LOG_SEVERITY_ERROR);
    signal(SIGPIPE, SIG_IGN);
  }
  void StartCollector(const std::vector<std::string>& more = {}) {
    const std::string dir = directory_.path();
    std::vector<std::string> arguments = {"--listen",  "127.0.0.1:0", "--data-dir", dir + "/data",
                                          "--tls-ca",  files_.ca,     "--tls-cert", files_.cert,
                                          "--tls-key", files_.key};
    arguments.insert(arguments.end(), more.begin(), more.end());
    collector_ = std::make_unique<CollectorProcess>(arguments, dir + "/ready", dir + "/log");
    address_ = collector_->WaitReady();
    pid_ = collector_->pid();
    fleet_.SetAddress(address_);
  }

  // Of the collector, from /proc/<pid>/status; 0: there is no such process.
  uint64_t MemoryBytes(const std::string& line) const {
    const std::string status = ReadFile(StrCat("/proc/", pid_, "/status")).value_or("");
    const size_t at = status.find(line + ":");
    return at == std::string::npos ? 0 : 1024 * std::stoull(status.substr(at + line.size() + 1));
  }
  void Print(const char* name, uint64_t acts, const FleetReport& before,
             const FleetReport& report) const {
    printf("| %s | %llu | %.1f | %.1f | %.1f | %.0f | %llu | %llu |\n", name,
           static_cast<unsigned long long>(acts), absl::ToDoubleMilliseconds(before.p99),
           absl::ToDoubleMilliseconds(report.p50), absl::ToDoubleMilliseconds(report.p99),
           static_cast<double>(report.acked_records) / absl::ToDoubleSeconds(report.time),
           static_cast<unsigned long long>(report.reconnects),
           static_cast<unsigned long long>(MemoryBytes("VmRSS") >> 20));
    fflush(stdout);
  }
  // The p99 before one attack is of few batches: all of them together tell more.
  void PrintDoubled(std::vector<double> quiet_ms, const std::vector<double>& p99s_ms) const {
    std::sort(quiet_ms.begin(), quiet_ms.end());
    const double quiet = quiet_ms[quiet_ms.size() * 99 / 100];
    const auto doubled =
        std::count_if(p99s_ms.begin(), p99s_ms.end(), [&](double p99) { return p99 > 2 * quiet; });
    printf(
        "An attacker with CPUs %s: p99 without attack %.1f ms (%zu batches), at most doubled "
        "in %zu of %zu\n",
        cpus_.text(), quiet, quiet_ms.size(), p99s_ms.size() - static_cast<size_t>(doubled),
        p99s_ms.size());
  }
  std::unique_ptr<Attacker> Begin(const char* attack, size_t number, uint64_t messages = 0) {
    const std::string node = AttackerNode(number);
    const std::string directory = StrCat(directory_.path(), "/", node);
    EXPECT_TRUE(MakeDirectories(directory, 0700).ok());
    WriteCertificates(authority_.Issue(AgentUri(node)), directory);
    return std::make_unique<Attacker>(
        std::vector<std::string>{attack, address_, node, AttackerAddress(number), directory,
                                 StrCat(cpus_.attackers()), StrCat(messages)},
        directory + "/out");
  }
  void ExpectUnharmed(const char* name) {
    EXPECT_EQ(kill(pid_, 0), 0) << name;
    EXPECT_LT(MemoryBytes("VmHWM"), kMaxResidentBytes) << name;
  }
  // Each alert of the good agents is stored once.
  void ExpectNothingLost() {
    ASSERT_TRUE(fleet_.AwaitAcknowledged(absl::Minutes(1)));
    const auto stub = v1::Fleet::NewStub(OpenChannel(address_, authority_.Issue(kUserUri)));
    std::map<std::string, v1::Node> nodes;
    for (v1::Node& node : ListAllNodes(stub.get())) nodes[node.node()] = node;
    const std::vector<uint64_t> sent = fleet_.Sent();
    for (size_t i = 0; i < sent.size(); ++i) {
      EXPECT_GT(sent[i], 0u);
      EXPECT_EQ(nodes[StrCat("n", i)].alerts(), sent[i]) << i;
      EXPECT_EQ(nodes[StrCat("n", i)].stored().seq(), sent[i]) << i;
    }
  }

  const OwnCpus cpus_;  // comes first: all else starts threads
  TestAuthority authority_;
  TemporaryDirectory directory_;
  const CertificateFiles files_;
  std::unique_ptr<CollectorProcess> collector_;
  std::string address_;
  pid_t pid_ = 0;
  AgentFleet fleet_;  // goes first
};

TEST_F(HostileClientTest, NoAttackHarmsTheCollectorOrItsOtherAgents) {
  StartCollector();
  ASSERT_EQ(fleet_.AwaitConnected(absl::Minutes(1)), kGoodAgents) << collector_->Log();
  const absl::Duration time = absl::Seconds(Setting("VAKT_HOSTILE_SECONDS", 2));
  printf(
      "| Attack | Acts | p99 ms before | Others' p50 ms | p99 ms | Alerts/s | Reconnects | "
      "Resident "
      "MiB |\n|---|---|---|---|---|---|---|---|\n");
  fleet_.Run(kLoad, absl::Seconds(1));
  const char* const only = std::getenv("VAKT_HOSTILE_ATTACK");
  std::vector<double> quiet_ms, p99s_ms;
  for (size_t i = 0; i < Attacks().size(); ++i) {
    const AttackRow& row = Attacks()[i];
    if (std::string_view(row.name).find(only == nullptr ? "" : only) == std::string_view::npos) {
      continue;
    }
    const FleetReport before = fleet_.Run(kLoad, time);
    quiet_ms.insert(quiet_ms.end(), before.latencies_ms.begin(), before.latencies_ms.end());
    const auto attacker = Begin(row.name, i);
    const FleetReport report = fleet_.Run(kLoad, time);
    const uint64_t acts = attacker->Stop();
    p99s_ms.push_back(absl::ToDoubleMilliseconds(report.p99));
    Print(row.name, acts, before, report);
    EXPECT_GT(acts, 0u) << row.name;
    ExpectUnharmed(row.name);
  }
  PrintDoubled(std::move(quiet_ms), p99s_ms);
  ExpectNothingLost();
  EXPECT_EQ(collector_->Stop(SIGTERM), 0) << collector_->Log();
}

TEST_F(HostileClientTest, MalformedMessagesAreAnsweredAndForgotten) {
  // Else the door would keep them out.
  StartCollector({"--agent-calls-per-second", "0"});
  ASSERT_EQ(fleet_.AwaitConnected(absl::Minutes(1)), kGoodAgents) << collector_->Log();
  const auto wanted = static_cast<uint64_t>(Setting("VAKT_HOSTILE_MESSAGES", 5'000));
  fleet_.Run(kLoad, absl::Seconds(1));
  const FleetReport before = fleet_.Run(kLoad, absl::Seconds(2));
  const auto attacker = Begin(MalformedMessagesAttack().name, 0, wanted);
  FleetReport worst;
  while (attacker->IsAtWork()) {
    const FleetReport report = fleet_.Run(kLoad, absl::Seconds(2));
    if (report.p99 >= worst.p99) worst = report;
  }
  const uint64_t acts = attacker->Stop();
  Print("malformed messages", acts, before, worst);
  EXPECT_EQ(acts, wanted + (wanted % 16 == 0 ? 0 : 16 - wanted % 16));
  ExpectUnharmed("malformed messages");
  ExpectNothingLost();
  EXPECT_EQ(collector_->Stop(SIGTERM), 0) << collector_->Log();
}

}  // namespace
}  // namespace vakt
