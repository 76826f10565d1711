// SPDX-License-Identifier: Apache-2.0
// One file per event family: perform the act, then assert every field of its record.
#ifndef VAKT_TESTS_BPF_BPF_TEST_BASE_H_
#define VAKT_TESTS_BPF_BPF_TEST_BASE_H_

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "common/base/clock.h"
#include "tests/support/kernel_fixture.h"

namespace vakt {

class BpfTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const auto why = WhyNoKernelTests()) GTEST_SKIP() << *why;
    cgroup_ = TestCgroup::Make();
    ASSERT_NE(cgroup_, nullptr) << "cannot make a cgroup";
  }

  void StartSensor(KindSet kinds, uint64_t ring_bytes = 16 << 20, bool strict = false) {
    KernelSensorOptions options;
    options.tier = TestTier();
    options.strict = strict;
    options.kinds = kinds;
    options.ring_bytes = ring_bytes;
    options.flows = flows_;
    options.user_stacks = user_stacks_;
    options.scope = ScopeOf(cgroup_->path()).value();
    auto sensor = KernelSensor::Start(options);
    ASSERT_TRUE(sensor.ok()) << sensor.status();
    sensor_ = *std::move(sensor);
    for (const ProbeReport& report : sensor_->Report()) {
      const bool is_absent = report.detail.starts_with("this kernel has no such");
      EXPECT_TRUE(report.state != ProbeReport::State::kFailed || is_absent)
          << report.probe->program << ": " << report.detail;
    }
  }

  // Records of `kind` by process `pid`, in order.
  template <typename T>
  std::vector<std::pair<T, CapturedRecord>> Of(const std::vector<CapturedRecord>& all, Kind kind,
                                               pid_t pid) {
    std::vector<std::pair<T, CapturedRecord>> found;
    for (const CapturedRecord& record : all) {
      if (record.header().kind != static_cast<uint16_t>(kind)) continue;
      const T typed = record.As<T>();
      if (typed.task.pid == static_cast<uint32_t>(pid)) found.emplace_back(typed, record);
    }
    return found;
  }

  // Header and task of an event by a plain root child of this process.
  void ExpectTask(const vakt_header& header, const vakt_task& task, pid_t pid, Lane lane) {
    EXPECT_EQ(header.lane, static_cast<uint8_t>(lane));
    EXPECT_EQ(header.abi, VAKT_ABI_X86_64);
    EXPECT_GT(header.seq, 0u);
    EXPECT_NEAR(static_cast<double>(header.boot_ns), static_cast<double>(RealClock().BootNs()),
                30e9);
    EXPECT_EQ(task.pid, static_cast<uint32_t>(pid));
    EXPECT_EQ(task.tid, static_cast<uint32_t>(pid));
    EXPECT_EQ(task.ppid, static_cast<uint32_t>(getpid()));
    EXPECT_EQ(task.cookie & 0x3fffff, static_cast<uint32_t>(pid));
    EXPECT_EQ(task.parent_cookie & 0x3fffff, static_cast<uint32_t>(getpid()));
    EXPECT_EQ(task.cgroup_id, cgroup_->id());
    EXPECT_EQ(task.uid, getuid());
    EXPECT_EQ(task.gid, getgid());
    EXPECT_EQ(task.euid, geteuid());
    EXPECT_EQ(task.egid, getegid());
    EXPECT_NE(task.cap_effective, 0u);
    EXPECT_EQ(task.flags, 0u);
    EXPECT_EQ(task.user_ns, Namespace("user"));
  }

  // The kernel lets go of a task's other namespaces before process_exit.
  void ExpectNamespaces(const vakt_task& task) {
    EXPECT_EQ(task.mnt_ns, Namespace("mnt"));
    EXPECT_EQ(task.pid_ns, Namespace("pid"));
    EXPECT_EQ(task.net_ns, Namespace("net"));
  }

  static bool KernelHasFunction(const std::string& name) {
    std::ifstream symbols("/proc/kallsyms");
    for (std::string line; std::getline(symbols, line);) {
      if (line.ends_with(" " + name)) return true;
    }
    return false;
  }

  static uint32_t Namespace(const std::string& name) {
    struct stat info = {};
    stat(("/proc/self/ns/" + name).c_str(), &info);
    return static_cast<uint32_t>(info.st_ino);
  }

  bool flows_ = false;        // whether the sensor adds up flows
  bool user_stacks_ = false;  // whether critical calls tell where they were made
  std::unique_ptr<TestCgroup> cgroup_;
  std::unique_ptr<KernelSensor> sensor_;
};

}  // namespace vakt

#endif  // VAKT_TESTS_BPF_BPF_TEST_BASE_H_
