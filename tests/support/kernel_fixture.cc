// SPDX-License-Identifier: Apache-2.0
#include "tests/support/kernel_fixture.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <stdexcept>

#include "agent/sensor/kernel_needs.h"
#include "agent/sensor/scope.h"
#include "common/base/status.h"
#include "common/base/strings.h"

namespace vakt {

std::unique_ptr<TestCgroup> TestCgroup::Make() {
  static std::atomic<int> count = 0;
  const auto root = CgroupRoot();
  if (!root.ok()) return nullptr;
  std::string path = StrCat(*root, "/vakt-test-", getpid(), "-", count++);
  if (mkdir(path.c_str(), 0755) != 0) return nullptr;
  return std::unique_ptr<TestCgroup>(new TestCgroup(std::move(path)));
}

TestCgroup::~TestCgroup() {
  for (int i = 0; i < 100 && rmdir(path_.c_str()) != 0; ++i) usleep(10000);
}

uint64_t TestCgroup::id() const {
  struct stat info = {};
  stat(path_.c_str(), &info);
  return info.st_ino;
}

pid_t TestCgroup::Start(const std::function<int()>& act) const {
  const pid_t pid = fork();
  if (pid == 0) {
    const int fd = open((path_ + "/cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, "0", 1) != 1) _exit(99);
    close(fd);
    _exit(act());
  }
  return pid;
}

pid_t TestCgroup::Run(const std::function<int()>& act, int* exit_status) const {
  const pid_t pid = Start(act);
  int status = 0;
  waitpid(pid, &status, 0);
  if (exit_status) *exit_status = status;
  return pid;
}

std::optional<std::string> WhyNoKernelTests() {
  if (geteuid() != 0) return "needs root";
  const absl::Status kernel = CheckKernel(KernelSensorOptions().btf_path);
  if (!kernel.ok()) return std::string(Message(kernel));
  if (!CgroupRoot().ok()) return "no cgroup v2 hierarchy is mounted";
  return std::nullopt;
}

Tier TestTier() {
  const char* name = std::getenv("VAKT_TEST_TIER");
  const absl::StatusOr<Tier> tier = DecideTier(TierChoiceOf(name == nullptr ? "auto" : name));
  if (!tier.ok()) throw std::runtime_error(tier.status().ToString());
  return *tier;
}

std::vector<CapturedRecord> DrainAll(EventSource& source, int quiet_ms) {
  std::vector<CapturedRecord> all;
  for (;;) {
    const auto batch = source.Next(absl::Milliseconds(quiet_ms));
    if (batch.empty()) return all;
    for (RawRecord record : batch) all.emplace_back(record);
  }
}

}  // namespace vakt
