// SPDX-License-Identifier: Apache-2.0
// kill -9 of agent and collector, at random moments and at named points of the agent's disk work,
// over and over on the same spool and store. This process is the oracle: it heard from the agent
// what was durable and what was acknowledged, and holds the store against that.
//
// VAKT_KILL_RUNS: how many kills; 20 if it is not set.
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/integration/collector_client.h"
#include "tests/integration/collector_process.h"
#include "tests/support/delivery_crasher.h"
#include "tests/support/temporary_directory.h"

namespace vakt {
namespace {

constexpr char kCrasher[] = VAKT_BINARY_DIR "/bin/delivery_crasher";
constexpr int kDefaultRuns = 20;

int Runs() {
  const char* text = getenv("VAKT_KILL_RUNS");
  return text == nullptr ? kDefaultRuns : atoi(text);
}

class DeliveryKillTest : public ::testing::Test {
 protected:
  DeliveryKillTest()
      : collector_files_(WriteCertificates(authority_.Issue("spiffe://test/collector/main"),
                                           Folder("collector"))),
        agent_files_(WriteCertificates(authority_.Issue(AgentUri("n1")), Folder("agent"))) {}

  std::string Folder(const std::string& name) {
    const std::string path = directory_.path() + "/" + name;
    EXPECT_EQ(mkdir(path.c_str(), 0700), 0);
    return path;
  }

  // On the same port each time, so that the agent finds it again.
  void LaunchCollector() {
    collector_ = std::make_unique<CollectorProcess>(
        std::vector<std::string>{"--listen", address_.empty() ? "127.0.0.1:0" : address_,
                                 "--data-dir", directory_.path() + "/data", "--tls-ca",
                                 collector_files_.ca, "--tls-cert", collector_files_.cert,
                                 "--tls-key", collector_files_.key},
        directory_.path() + "/ready", directory_.path() + "/log");
  }
  void StartCollector() {
    LaunchCollector();
    address_ = collector_->WaitReady();
    ASSERT_NE(address_, "") << collector_->Log();
  }

  // Starts the crasher; `disturb` runs once it has reported. Returns how it ended.
  template <typename Disturb>
  int RunAgent(std::vector<std::string> arguments, Disturb disturb) {
    int pipe_fds[2];
    EXPECT_EQ(pipe(pipe_fds), 0);
    const pid_t child = fork();
    if (child == 0) {
      dup2(pipe_fds[1], STDOUT_FILENO);
      close(pipe_fds[0]);
      close(pipe_fds[1]);
      std::vector<std::string> all = {kCrasher, directory_.path() + "/spool", address_,
                                      directory_.path() + "/agent"};
      all.insert(all.end(), arguments.begin(), arguments.end());
      std::vector<char*> argv;
      for (std::string& argument : all) argv.push_back(argument.data());
      argv.push_back(nullptr);
      execv(kCrasher, argv.data());
      _exit(127);
    }
    close(pipe_fds[1]);
    DeliveryReport report;
    const auto next = [&] {
      const bool got =
          read(pipe_fds[0], &report, sizeof(report)) == static_cast<ssize_t>(sizeof(report));
      if (got) Note(report);
      return got;
    };
    next();
    std::thread disturber([&] { disturb(child); });
    while (next()) continue;
    disturber.join();
    close(pipe_fds[0]);
    int status = 0;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    return status;
  }

  void Note(const DeliveryReport& report) {
    if (report.durable.seq > 0) durable_[report.durable.epoch] = report.durable.seq;
    acknowledged_ = std::max(acknowledged_, report.acknowledged);
  }

  void SleepUpTo(int ms) { usleep(static_cast<useconds_t>(random_() % ms) * 1000); }

  void KillAgentAtRandom() {
    RunAgent({"run"}, [this](pid_t child) {
      SleepUpTo(400);
      kill(child, SIGKILL);
    });
  }

  void KillAgentAtAPoint() {
    const std::string point = kKillPoints[random_() % std::size(kKillPoints)];
    const char* when = random_() % 2 == 0 ? "before" : "after";
    RunAgent({"run", when, point, std::to_string(1 + random_() % 12)}, [](pid_t child) {
      for (int i = 0; i < 3000 && kill(child, 0) == 0; ++i) {
        siginfo_t ended = {};
        if (waitid(P_PID, child, &ended, WEXITED | WNOHANG | WNOWAIT) == 0 && ended.si_pid != 0) {
          return;
        }
        usleep(1000);
      }
      kill(child, SIGKILL);  // that point does not come so often
    });
  }

  void KillCollectorUnderway() {
    RunAgent({"run"}, [this](pid_t child) {
      SleepUpTo(300);
      collector_->Kill();
      StartCollector();
      SleepUpTo(300);
      kill(child, SIGKILL);
    });
  }

  // Both at the same moment, as when their machine dies.
  void KillBoth() {
    RunAgent({"run"}, [this](pid_t child) {
      SleepUpTo(300);
      kill(child, SIGKILL);
      collector_->Kill();
    });
    StartCollector();
  }

  // The collector again and again under one agent, also before it is ready.
  void KillCollectorRepeatedly() {
    RunAgent({"run"}, [this](pid_t child) {
      for (int i = 0; i < 3; ++i) {
        SleepUpTo(100);
        collector_->Kill();
        LaunchCollector();
        SleepUpTo(50);
        collector_->Kill();
        StartCollector();
      }
      SleepUpTo(200);
      kill(child, SIGKILL);
    });
  }

  std::vector<v1::StoredRecord> Stored() {
    v1::Filter filter;
    filter.set_include_gaps(true);
    grpc::Status status;
    auto records = QueryAll(OpenChannel(address_, authority_.Issue(kUserUri)), filter, &status);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return records;
  }

  // Each record that was durable is there, once, in order; nothing tells of loss.
  void Judge() {
    std::map<uint64_t, uint64_t> next;
    Position last;
    for (const v1::StoredRecord& stored : Stored()) {
      const v1::Record& record = stored.record();
      ASSERT_TRUE(record.has_alert()) << record.ShortDebugString();
      const Position position{record.epoch(), record.seq()};
      ASSERT_GT(position, last) << "twice or out of order";
      last = position;
      ASSERT_EQ(position.seq, ++next[position.epoch]) << "a hole in " << ToText(position);
    }
    ASSERT_GE(last, acknowledged_);
    for (const auto& [epoch, seq] : durable_) {
      ASSERT_GE(next[epoch], seq) << "a durable record of epoch " << epoch << " is lost";
    }
  }

  TestAuthority authority_;
  TemporaryDirectory directory_;
  const CertificateFiles collector_files_;
  const CertificateFiles agent_files_;
  std::string address_;
  std::unique_ptr<CollectorProcess> collector_;
  std::mt19937 random_{5};
  std::map<uint64_t, uint64_t> durable_;  // by epoch
  Position acknowledged_;
};

TEST_F(DeliveryKillTest, NothingDurableIsLostDoubledOrReordered) {
  StartCollector();
  if (HasFatalFailure()) return;
  for (int run = 0; run < Runs(); ++run) {
    SCOPED_TRACE("kill " + std::to_string(run));
    switch (run % 5) {
      case 0:
        KillAgentAtRandom();
        break;
      case 1:
        KillAgentAtAPoint();
        break;
      case 2:
        KillCollectorUnderway();
        break;
      case 3:
        KillBoth();
        break;
      case 4:
        KillCollectorRepeatedly();
        break;
    }
    if (HasFailure()) return;
  }
  const int status = RunAgent({"drain"}, [](pid_t) {});
  EXPECT_EQ(status, 0);
  Judge();
  uint64_t durable = 0;
  for (const auto& [epoch, seq] : durable_) durable += seq;
  printf("%d kills, %llu durable records\n", Runs(), static_cast<unsigned long long>(durable));
  EXPECT_GT(durable, 0u);
}

}  // namespace
}  // namespace vakt
