// SPDX-License-Identifier: Apache-2.0
#include "agent/sensor/scope.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>

#include "tests/support/temporary_directory.h"

namespace vakt {
namespace {

std::string WriteMounts(const std::string& text) {
  static const TemporaryDirectory directory;
  const std::string path = directory.path() + "/mounts";
  std::ofstream(path) << text;
  return path;
}

TEST(CgroupRoot, FindsTheUnifiedHierarchyAmongOthers) {
  EXPECT_EQ(CgroupRoot(WriteMounts("tmpfs /sys/fs/cgroup tmpfs rw 0 0\n"
                                   "cgroup /sys/fs/cgroup/cpu cgroup rw,cpu 0 0\n"
                                   "cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n"))
                .value(),
            "/sys/fs/cgroup/unified");
}

TEST(CgroupRoot, SaysWhatToDoWithoutOne) {
  const auto root = CgroupRoot(WriteMounts("proc /proc proc rw 0 0\n"));
  EXPECT_EQ(root.status().code(), absl::StatusCode::kNotFound);
  EXPECT_NE(root.status().message().find("mount -t cgroup2"), absl::string_view::npos);
}

TEST(ScopeOf, RefusesADirectoryThatIsNoCgroup) {
  const auto scope = ScopeOf("/tmp");
  EXPECT_EQ(scope.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(scope.status().message().find("/tmp"), absl::string_view::npos);
}

TEST(ScopeOf, NamesADirectoryThatIsNotThere) {
  const auto scope = ScopeOf("/nonexistent/cgroup");
  EXPECT_FALSE(scope.ok());
  EXPECT_NE(scope.status().message().find("/nonexistent/cgroup"), absl::string_view::npos);
}

TEST(ScopeOf, TheRootHasLevelZero) {
  const auto root = CgroupRoot();
  if (!root.ok()) GTEST_SKIP() << "no cgroup v2 hierarchy is mounted";
  const auto scope = ScopeOf(*root);
  ASSERT_TRUE(scope.ok()) << scope.status();
  EXPECT_EQ(scope->level, 0u);
  EXPECT_NE(scope->cgroup_id, 0u);
}

}  // namespace
}  // namespace vakt
