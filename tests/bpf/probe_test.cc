// SPDX-License-Identifier: Apache-2.0
// What this kernel makes of every row of the probe table. Where VAKT_TEST_RECORD names a file, the
// verdicts are written to it, for the reference page on kernels.
#include <gmock/gmock.h>
#include <sys/utsname.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "agent/sensor/kernel_needs.h"
#include "common/base/status.h"
#include "tests/bpf/bpf_test_base.h"

namespace vakt {
namespace {

using ::testing::HasSubstr;

std::string_view StateName(ProbeReport::State state) {
  switch (state) {
    case ProbeReport::State::kAttached:
      return "attached";
    case ProbeReport::State::kNotNeeded:
      return "absent";  // every kind is wanted: the kernel has no such system call
    case ProbeReport::State::kDisabled:
      return "disabled";
    case ProbeReport::State::kFailed:
      return "refused";
  }
  return "";
}

// Names and reasons hold no control characters.
std::string Quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
  }
  return out + '"';
}

void Record(const absl::Status& started, const std::vector<ProbeReport>& reports) {
  const char* path = std::getenv("VAKT_TEST_RECORD");
  if (path == nullptr) return;
  std::ofstream out(path);
  out << "{\"refused\": " << Quoted(started.ok() ? "" : vakt::Message(started))
      << ", \"probes\": [";
  std::string_view comma;
  for (const ProbeReport& report : reports) {
    out << comma << "\n{\"program\": " << Quoted(report.probe->program)
        << ", \"target\": " << Quoted(report.probe->target)
        << ", \"kind\": " << Quoted(KindStem(report.probe->kind))
        << ", \"tier\": " << Quoted(TierName(report.tier))
        << ", \"state\": " << Quoted(StateName(report.state))
        << ", \"detail\": " << Quoted(report.detail)
        << ", \"blind_spot\": " << Quoted(report.probe->blind_spot) << "}";
    comma = ",";
  }
  out << "]}\n";
  out.close();
  EXPECT_TRUE(out.good()) << path;
}

KindSet EveryKind() {
  KindSet kinds = 0;
  for (const KindRow& row : KernelKinds()) kinds |= KindBit(row.kind);
  return kinds;
}

bool IsOlderThan(int major, int minor) {
  utsname name = {};
  uname(&name);
  int has_major = 0, has_minor = 0;
  if (sscanf(name.release, "%d.%d", &has_major, &has_minor) != 2) return false;
  return has_major < major || (has_major == major && has_minor < minor);
}

class ProbeTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "needs root";
    options_.kinds = EveryKind();
    options_.tier = TestTier();
    options_.strict = true;
    options_.flows = true;
    options_.user_stacks = true;
  }
  KernelSensorOptions options_;
};

TEST_F(ProbeTest, a_kernel_without_what_all_probes_need_is_refused_by_name) {
  if (!IsOlderThan(5, 17)) GTEST_SKIP() << "this kernel has it";
  const auto sensor = KernelSensor::Start(options_);
  ASSERT_FALSE(sensor.ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(sensor.status())) << sensor.status();
  EXPECT_THAT(std::string(sensor.status().message()), HasSubstr("bpf_loop (Linux 5.17"));
  Record(sensor.status(), {});
}

TEST_F(ProbeTest, each_probe_attaches_or_says_why_not) {
  if (const auto why = WhyNoKernelTests()) GTEST_SKIP() << *why;
  const auto cgroup = TestCgroup::Make();
  ASSERT_NE(cgroup, nullptr);
  options_.scope = ScopeOf(cgroup->path()).value();
  const auto sensor = KernelSensor::Start(options_);
  ASSERT_TRUE(sensor.ok()) << sensor.status();
  const std::vector<ProbeReport> reports = (*sensor)->Report();
  for (const ProbeReport& report : reports) {
    const std::string what = std::string(report.probe->program) + " at " +
                             std::string(report.probe->target) + ": " + report.detail;
    EXPECT_NE(report.state, ProbeReport::State::kDisabled) << what;
    if (report.state != ProbeReport::State::kAttached) {
      // What the kernel lacks is its age or its configuration; what it refuses is our mistake.
      EXPECT_TRUE(report.detail.starts_with("this kernel has no such")) << what;
    }
    const bool is_detail = report.probe->type == HookType::kDetail;
    if (In(EssentialKinds(), report.probe->kind) && !is_detail) {
      EXPECT_EQ(report.state, ProbeReport::State::kAttached) << what;
    }
  }
  Record(absl::OkStatus(), reports);
}

}  // namespace
}  // namespace vakt
