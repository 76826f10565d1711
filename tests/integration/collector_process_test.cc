// SPDX-License-Identifier: Apache-2.0
// The program vakt-collector: how it starts, stops and dies.
#include "tests/integration/collector_process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "common/base/file.h"
#include "common/base/strings.h"
#include "tests/integration/collector_client.h"
#include "tests/support/temporary_directory.h"

namespace vakt {
namespace {

using ::testing::HasSubstr;

class CollectorProcessTest : public ::testing::Test {
 protected:
  CollectorProcessTest()
      : files_(WriteCertificates(authority_.Issue("spiffe://test/collector/main"),
                                 directory_.path())) {}

  std::unique_ptr<CollectorProcess> Launch(const std::string& listen = "127.0.0.1:0",
                                           const std::string& data = "data") {
    return std::make_unique<CollectorProcess>(
        std::vector<std::string>{"--listen", listen, "--data-dir", Path(data), "--tls-ca",
                                 files_.ca, "--tls-cert", files_.cert, "--tls-key", files_.key},
        Path("ready"), Path("log"));
  }
  std::string Path(const std::string& name) const { return directory_.path() + "/" + name; }
  static auto LineCount(const std::string& text) {
    return std::count(text.begin(), text.end(), '\n');
  }

  TestAuthority authority_;
  TemporaryDirectory directory_;
  const CertificateFiles files_;
};

// Whether there is such a process, and it has not ended.
bool Runs(pid_t pid) {
  const std::string stat = ReadFile(StrCat("/proc/", pid, "/stat")).value_or("");
  const size_t name_end = stat.rfind(") ");
  return name_end != std::string::npos && stat[name_end + 2] != 'Z';
}

// A benchmark that is killed leaves no collector behind.
TEST_F(CollectorProcessTest, EndsWithTheProgramThatLaunchedIt) {
  int pipe_fds[2];
  ASSERT_EQ(pipe(pipe_fds), 0);
  const pid_t launcher = fork();
  if (launcher == 0) {
    const auto collector = Launch();
    const pid_t pid = collector->WaitReady().empty() ? -1 : collector->pid();
    if (write(pipe_fds[1], &pid, sizeof(pid)) != sizeof(pid)) _exit(1);
    while (true) pause();
  }
  pid_t collector = -1;
  ASSERT_EQ(read(pipe_fds[0], &collector, sizeof(collector)), static_cast<ssize_t>(sizeof(pid_t)));
  ASSERT_GT(collector, 0);
  EXPECT_TRUE(Runs(collector));
  kill(launcher, SIGKILL);
  waitpid(launcher, nullptr, 0);
  const absl::Time deadline = absl::Now() + absl::Seconds(20);
  while (Runs(collector) && absl::Now() < deadline) absl::SleepFor(absl::Milliseconds(10));
  EXPECT_FALSE(Runs(collector));
  close(pipe_fds[0]);
  close(pipe_fds[1]);
}

TEST_F(CollectorProcessTest, StopsCleanlyOnSignals) {
  for (const int signal : {SIGTERM, SIGINT}) {
    const auto collector = Launch();
    ASSERT_NE(collector->WaitReady(), "") << collector->Log();
    EXPECT_EQ(collector->Stop(signal), 0) << collector->Log();
    EXPECT_NE(access(Path("ready").c_str(), F_OK), 0);
    EXPECT_NE(access(Path("data/vakt.db-wal").c_str(), F_OK), 0);  // all is in the database
  }
}

TEST_F(CollectorProcessTest, KeepsItsFilesToItself) {
  const auto collector = Launch();
  ASSERT_NE(collector->WaitReady(), "") << collector->Log();
  for (const char* name : {"data/vakt.db", "data/vakt.db-wal", "data/lock"}) {
    struct stat info;
    ASSERT_EQ(stat(Path(name).c_str(), &info), 0) << name;
    EXPECT_EQ(info.st_mode & 0777, 0600u) << name;
  }
}

TEST_F(CollectorProcessTest, SaysInOneLineWhyItCannotStart) {
  const auto running = Launch();
  const std::string address = running->WaitReady();
  ASSERT_NE(address, "") << running->Log();
  const auto expect_failure = [&](CollectorProcess& collector, int code, const std::string& text) {
    EXPECT_EQ(collector.Wait(), code);
    EXPECT_THAT(collector.Log(), HasSubstr(text));
    EXPECT_EQ(LineCount(collector.Log()), 1) << collector.Log();
  };
  const auto with = [&](const std::vector<std::string>& flags) {
    unlink(Path("other.log").c_str());
    return std::make_unique<CollectorProcess>(flags, Path("other.ready"), Path("other.log"));
  };
  const std::vector<std::string> tls = {"--tls-ca",  files_.ca,   "--tls-cert",
                                        files_.cert, "--tls-key", files_.key};
  const auto plus = [](std::vector<std::string> flags, const std::vector<std::string>& more) {
    flags.insert(flags.end(), more.begin(), more.end());
    return flags;
  };
  expect_failure(*with(plus(tls, {"--listen", address, "--data-dir", Path("other")})), 1,
                 "cannot listen on " + address);
  expect_failure(*with(plus(tls, {"--listen", "127.0.0.1:0", "--data-dir", Path("data")})), 1,
                 "in use by another vakt-collector");
  expect_failure(*with(plus(tls, {"--data-dir", "/proc/none"})), 1, "/proc/none");
  expect_failure(*with({"--data-dir", Path("other")}), 2, "--tls-ca, --tls-cert and --tls-key");
  expect_failure(*with({"--no-such-flag"}), 2, "--no-such-flag");
}

// Agents that send as fast as they may, through any number of collectors killed at any moment.
class KillTest : public CollectorProcessTest {
 protected:
  void SetAddress(const std::string& address) {
    absl::MutexLock lock(&mutex_);
    address_ = address;
  }
  std::string Address() {
    absl::MutexLock lock(&mutex_);
    return address_;
  }

  // Until `stop` and everything sent is acknowledged. Returns the last sequence number.
  uint64_t RunAgent(const std::string& node, const CertificateSet& certificates, unsigned seed) {
    std::mt19937 random(seed);
    uint64_t acked = 0;
    uint64_t sent = 0;  // the highest ever
    while (!stop_ || acked < sent) {
      AgentClient agent(OpenChannel(Address(), certificates));
      v1::Welcome welcome;
      if (!agent.Hello(MakeHello(node), &welcome)) {
        absl::SleepFor(absl::Milliseconds(5));
        continue;
      }
      EXPECT_GE(welcome.stored().seq(), acked) << "acknowledged, and not stored";
      EXPECT_LE(welcome.stored().seq(), sent) << "stored, and never sent";
      // Some of what is stored comes again, as from an agent that missed an acknowledgement.
      const uint64_t stored = welcome.stored().seq();
      const uint64_t next = stored - std::min<uint64_t>(stored, random() % 200) + 1;
      Exchange(agent, random, next, &sent, &acked);
    }
    return sent;
  }

  // Sends from `next` on, three batches ahead of the acknowledgements, while the stream lasts.
  void Exchange(AgentClient& agent, std::mt19937& random, uint64_t next, uint64_t* sent,
                uint64_t* acked) {
    int ahead = 0;
    while (!stop_ || next <= *sent || ahead > 0) {
      if (ahead < 3 && (!stop_ || next <= *sent)) {
        std::vector<v1::Record> batch;
        for (uint64_t size = 1 + random() % 100; size > 0; --size) {
          batch.push_back(MakeAlertRecord({.seq = next++}));
        }
        *sent = std::max(*sent, next - 1);
        if (!agent.Send(batch)) return;
        ++ahead;
        continue;
      }
      v1::Position stored;
      if (!agent.ReadAck(&stored)) return;
      --ahead;
      *acked = std::max(*acked, stored.seq());
    }
  }

  absl::Mutex mutex_;
  std::string address_ ABSL_GUARDED_BY(mutex_);
  std::atomic<bool> stop_{false};
};

TEST_F(KillTest, NothingAcknowledgedIsLostAndNothingIsStoredTwice) {
  constexpr int kKills = 10;
  constexpr int kAgents = 3;
  auto collector = Launch();
  SetAddress(collector->WaitReady());
  ASSERT_NE(Address(), "") << collector->Log();
  std::map<std::string, uint64_t> last_seq;
  std::vector<std::thread> agents;
  for (int i = 0; i < kAgents; ++i) {
    const std::string node = "n" + std::to_string(i);
    uint64_t& last = last_seq[node];
    agents.emplace_back([this, node, i, &last, certificates = authority_.Issue(AgentUri(node))] {
      last = RunAgent(node, certificates, 100 + i);
    });
  }
  std::mt19937 random(1);
  for (int i = 0; i < kKills; ++i) {
    absl::SleepFor(absl::Milliseconds(20 + random() % 200));
    collector->Kill();
    collector = Launch();
    SetAddress(collector->WaitReady());
    ASSERT_NE(Address(), "") << collector->Log();
  }
  absl::SleepFor(absl::Milliseconds(200));
  stop_ = true;
  for (std::thread& agent : agents) agent.join();

  const auto records = QueryAll(OpenChannel(Address(), authority_.Issue(kUserUri)), {});
  std::map<std::string, uint64_t> next;
  for (const v1::StoredRecord& record : records) {
    ASSERT_EQ(record.record().seq(), ++next[record.node()]) << "of " << record.node();
  }
  EXPECT_EQ(next, last_seq);
  for (const auto& [node, last] : last_seq) {
    EXPECT_GT(last, 0u) << node;
    RecordProperty(node, std::to_string(last));
  }
}

}  // namespace
}  // namespace vakt
