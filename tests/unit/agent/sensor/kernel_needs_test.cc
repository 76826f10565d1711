// SPDX-License-Identifier: Apache-2.0
#include "agent/sensor/kernel_needs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace vakt {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// A kernel that lacks the helpers of these names.
absl::Status Without(const std::set<std::string_view>& names) {
  return CheckHelpers([&](int helper) {
    for (const KernelNeed& need : KernelNeeds()) {
      if (need.helper == helper) return !names.contains(need.name);
    }
    ADD_FAILURE() << "asked for a helper that is in no row";
    return true;
  });
}

TEST(kernel_needs_test, a_kernel_that_has_everything_is_accepted) { EXPECT_TRUE(Without({}).ok()); }

TEST(kernel_needs_test, each_missing_helper_is_named_with_its_version) {
  for (const KernelNeed& need : KernelNeeds()) {
    const absl::Status status = Without({need.name});
    EXPECT_TRUE(absl::IsFailedPrecondition(status)) << need.name;
    EXPECT_THAT(status.message(), HasSubstr(need.name));
    EXPECT_THAT(status.message(), HasSubstr(need.since));
  }
}

TEST(kernel_needs_test, the_newest_of_the_missing_helpers_decides) {
  const absl::Status status = Without({"bpf_get_current_task_btf", "bpf_loop"});
  EXPECT_THAT(status.message(), HasSubstr("bpf_get_current_task_btf (Linux 5.11"));
  EXPECT_THAT(status.message(), HasSubstr("needs Linux 5.17 or later"));
  EXPECT_THAT(status.message(), Not(HasSubstr("bpf_task_pt_regs")));
}

TEST(kernel_needs_test, type_information_is_asked_for_first) {
  const absl::Status status = CheckKernel("/nonexistent/btf");
  EXPECT_TRUE(absl::IsFailedPrecondition(status));
  EXPECT_THAT(status.message(), HasSubstr("CONFIG_DEBUG_INFO_BTF"));
}

}  // namespace
}  // namespace vakt
