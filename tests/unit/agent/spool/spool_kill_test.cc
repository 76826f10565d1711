// SPDX-License-Identifier: Apache-2.0
// kill -9 at random moments: a child process fills the spool and says what became durable; after
// each kill all of that is there, in order, once. (Power loss is segment_store_crash_test's.)
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "agent/spool/spool.h"
#include "tests/support/spool_crasher.h"

namespace vakt {
namespace {

constexpr int kKills = 25;
constexpr char kCrasher[] = VAKT_BINARY_DIR "/bin/spool_crasher";

// What the spool owes, by epoch.
struct Owed {
  uint64_t durable_seq = 0;
  uint64_t acknowledged_seq = 0;
};

class SpoolKillTest : public ::testing::Test {
 protected:
  SpoolKillTest()
      : dir_(std::filesystem::path(::testing::TempDir()) /
             ("spool_kill_test." + std::to_string(getpid()))) {
    std::filesystem::remove_all(dir_);
  }
  ~SpoolKillTest() override { std::filesystem::remove_all(dir_); }

  // Runs the child and kills it `after_us` after its first report.
  void RunAndKill(int after_us) {
    int pipe_fds[2];
    ASSERT_EQ(pipe(pipe_fds), 0);
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      dup2(pipe_fds[1], STDOUT_FILENO);
      close(pipe_fds[0]);
      close(pipe_fds[1]);
      execl(kCrasher, kCrasher, dir_.c_str(), nullptr);
      _exit(127);
    }
    close(pipe_fds[1]);
    CrasherReport report;
    ASSERT_EQ(read(pipe_fds[0], &report, sizeof(report)), static_cast<ssize_t>(sizeof(report)));
    Note(report);
    std::thread killer([child, after_us] {
      usleep(after_us);
      kill(child, SIGKILL);
    });
    while (read(pipe_fds[0], &report, sizeof(report)) == static_cast<ssize_t>(sizeof(report))) {
      Note(report);
    }
    close(pipe_fds[0]);
    killer.join();
    ASSERT_EQ(waitpid(child, nullptr, 0), child);
  }

  void Note(const CrasherReport& report) {
    if (report.durable != Position{}) owed_[report.durable.epoch].durable_seq = report.durable.seq;
    if (report.acknowledged == Position{}) return;
    for (auto& [epoch, owed] : owed_) {
      if (epoch < report.acknowledged.epoch) owed.acknowledged_seq = UINT64_MAX;
    }
    owed_[report.acknowledged.epoch].acknowledged_seq = report.acknowledged.seq;
  }

  // Reads the whole spool and settles accounts.
  void Check() {
    SpoolOptions options;
    options.dir = dir_;
    auto spool = Spool::Open(options);
    ASSERT_TRUE(spool.ok()) << spool.status();
    std::map<uint64_t, uint64_t> next;  // by epoch: the sequence number expected
    Position last;
    std::vector<OutRecord> records;
    while ((*spool)->Read(last, 1000, 1 << 20, &records) > 0) {
      for (const OutRecord& record : records) {
        ASSERT_GT(record.position, last) << "twice or out of order";
        last = record.position;
        ASSERT_EQ(record.bytes, CrasherBytes(record.position));
        const auto [expected, first] = next.try_emplace(last.epoch, last.seq);
        ASSERT_EQ(last.seq, expected->second) << "hole in epoch " << last.epoch;
        ++expected->second;
        if (first && owed_[last.epoch].acknowledged_seq < UINT64_MAX) {
          ASSERT_LE(last.seq, owed_[last.epoch].acknowledged_seq + 1) << "lost at the beginning";
        }
      }
      records.clear();
    }
    for (const auto& [epoch, owed] : owed_) {
      if (owed.acknowledged_seq >= owed.durable_seq) continue;
      ASSERT_GT(next[epoch], owed.durable_seq) << "lost at the end of epoch " << epoch;
    }
    EXPECT_EQ((*spool)->stats().corrupt, 0u);
    checked_ += owed_.rbegin()->second.durable_seq;
  }

  const std::filesystem::path dir_;
  std::map<uint64_t, Owed> owed_;
  uint64_t checked_ = 0;
};

TEST_F(SpoolKillTest, NoDurableRecordIsLostOrDoubled) {
  std::mt19937 random(11);
  for (int round = 0; round < kKills; ++round) {
    SCOPED_TRACE("kill " + std::to_string(round));
    RunAndKill(static_cast<int>(random() % 40'000));
    if (HasFatalFailure()) return;
    Check();
    if (HasFatalFailure()) return;
  }
  RecordProperty("durable_records", static_cast<int>(checked_));
  EXPECT_GT(checked_, 0u);
}

}  // namespace
}  // namespace vakt
