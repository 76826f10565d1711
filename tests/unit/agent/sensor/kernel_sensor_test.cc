// SPDX-License-Identifier: Apache-2.0
#include "agent/sensor/kernel_sensor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace vakt {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using State = ProbeReport::State;

// All probes attached, but for those of `kinds`.
std::vector<ProbeReport> ReportsWithout(KindSet kinds, State state) {
  std::vector<ProbeReport> reports;
  for (const ProbeRow& row : AllProbes()) {
    const bool without = In(kinds, row.kind);
    reports.push_back({.probe = &row,
                       .state = without ? state : State::kAttached,
                       .detail = without ? "the verifier" : ""});
  }
  return reports;
}

TEST(kernel_sensor_test, a_kernel_that_takes_all_probes_is_accepted) {
  EXPECT_TRUE(CheckProbes(ReportsWithout(0, State::kFailed)).ok());
}

TEST(kernel_sensor_test, a_kernel_that_refuses_every_essential_probe_is_refused_by_name) {
  const absl::Status status = CheckProbes(ReportsWithout(EssentialKinds(), State::kFailed));
  EXPECT_TRUE(absl::IsFailedPrecondition(status));
  for (const ProbeRow& row : AllProbes()) {
    // Of what only adds to events of others nobody need hear.
    if (In(EssentialKinds(), row.kind) && row.type != HookType::kDetail) {
      EXPECT_THAT(status.message(), HasSubstr(row.program));
      EXPECT_THAT(status.message(), HasSubstr(row.blind_spot));
    }
  }
  EXPECT_THAT(status.message(), HasSubstr("the verifier"));
}

TEST(kernel_sensor_test, each_required_kind_is_enough_to_refuse) {
  const absl::Status status = CheckProbes(ReportsWithout(RequiredKinds(), State::kFailed));
  EXPECT_TRUE(absl::IsFailedPrecondition(status));
  EXPECT_THAT(status.message(), HasSubstr("process_exec (sched_process_exec)"));
  EXPECT_THAT(status.message(), Not(HasSubstr("process_exit")));
}

TEST(kernel_sensor_test, what_else_is_refused_or_was_disabled_makes_blind_spots_only) {
  const KindSet other = ~RequiredKinds();
  EXPECT_TRUE(CheckProbes(ReportsWithout(other, State::kFailed)).ok());
  EXPECT_TRUE(CheckProbes(ReportsWithout(RequiredKinds(), State::kDisabled)).ok());
}

}  // namespace
}  // namespace vakt
