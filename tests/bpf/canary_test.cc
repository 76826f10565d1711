// SPDX-License-Identifier: Apache-2.0
// The canary's acts are counted by the hooks, and a hook that is gone is noticed.
#include "agent/app/canary.h"

#include <bpf/bpf.h>
#include <dirent.h>

#include <gmock/gmock.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <tuple>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "agent/app/canary_acts.h"
#include "bpf/wire/wire.h"
#include "common/base/unique_fd.h"
#include "tests/bpf/bpf_test_base.h"

namespace vakt {
namespace {

class CanaryBpfTest : public BpfTest {
 protected:
  void SetUp() override {
    BpfTest::SetUp();
    directory_ = testing::TempDir() + "/vakt-canary-XXXXXX";
    ASSERT_NE(mkdtemp(directory_.data()), nullptr);
  }
  void TearDown() override { std::ignore = std::system(("rm -rf " + directory_).c_str()); }

  std::string directory_;
};

TEST_F(CanaryBpfTest, every_act_is_counted) {
  KindSet all = 0;
  for (const CanaryAct& act : CanaryActs()) all |= act.kinds;
  StartSensor(all);
  for (const CanaryAct& act : CanaryActs()) {
    const auto before = sensor_->Counters().hits;
    ASSERT_TRUE(act.act(directory_));
    const auto after = sensor_->Counters().hits;
    for (const KindRow& row : KernelKinds()) {
      if (!In(act.kinds, row.kind)) continue;
      const auto kind = static_cast<size_t>(row.kind);
      EXPECT_GT(after[kind], before[kind]) << row.stem;
    }
  }
}

// Identifiers of this process's links to cgroups.
std::vector<uint32_t> CgroupLinks() {
  std::vector<uint32_t> links;
  DIR* directory = opendir("/proc/self/fdinfo");
  while (const dirent* entry = readdir(directory)) {
    std::ifstream info(std::string("/proc/self/fdinfo/") + entry->d_name);
    bool is_cgroup = false;
    uint32_t id = 0;
    for (std::string key; info >> key;) {
      std::string value;
      if (key == "link_type:") is_cgroup = info >> value && value == "cgroup";
      if (key == "link_id:") info >> id;
    }
    if (is_cgroup) links.push_back(id);
  }
  closedir(directory);
  return links;
}

TEST_F(CanaryBpfTest, a_detached_hook_is_told_and_attached_again) {
  StartSensor(KindBit(Kind::network_connect));
  const std::vector<uint32_t> links = CgroupLinks();
  ASSERT_FALSE(links.empty());
  const auto canary =
      Canary::Start(sensor_.get(), directory_, [this] { return sensor_->RestoreHooks(); });
  const UniqueFd link(bpf_link_get_fd_by_id(links.front()));
  ASSERT_TRUE(link);
  ASSERT_EQ(bpf_link_detach(link.get()), 0);
  std::vector<v1::Gap> gaps;
  const absl::Time deadline = absl::Now() + absl::Seconds(10);
  while (gaps.empty() && absl::Now() < deadline) {
    absl::SleepFor(absl::Milliseconds(20));
    gaps = canary->TakeGaps();
  }
  ASSERT_EQ(gaps.size(), 1u);
  EXPECT_EQ(gaps[0].class_(), v1::Gap::CLASS_BLIND);
  EXPECT_EQ(gaps[0].kind(), "network_connect");
  EXPECT_THAT(gaps[0].reason(), testing::HasSubstr("attached again"));
  EXPECT_EQ(CgroupLinks().size(), links.size() + 1);  // and the one that is detached
  EXPECT_EQ(canary->blind(), 0u);
  EXPECT_TRUE(sensor_->RestoreHooks().empty());
}

// Whether this process holds the map.
bool IsOwn(uint32_t map_id) {
  bool own = false;
  DIR* directory = opendir("/proc/self/fdinfo");
  while (const dirent* entry = readdir(directory)) {
    std::ifstream info(std::string("/proc/self/fdinfo/") + entry->d_name);
    for (std::string key; info >> key;) {
      uint32_t id = 0;
      if (key == "map_id:" && info >> id) own |= id == map_id;
    }
  }
  closedir(directory);
  return own;
}

// What somebody does who overwrites the control block: no kind is wanted any more.
void SilenceProbes() {
  uint32_t id = 0;
  while (bpf_map_get_next_id(id, &id) == 0) {
    const UniqueFd map(bpf_map_get_fd_by_id(id));
    bpf_map_info info = {};
    uint32_t size = sizeof(info);
    if (!map || bpf_obj_get_info_by_fd(map.get(), &info, &size) != 0) continue;
    if (std::string_view(info.name) != "control" || !IsOwn(id)) continue;
    const uint32_t zero = 0;
    const vakt_control nothing = {};
    EXPECT_EQ(bpf_map_update_elem(map.get(), &zero, &nothing, BPF_ANY), 0);
  }
}

TEST_F(CanaryBpfTest, a_kind_that_sees_nothing_is_told) {
  StartSensor(KindBit(Kind::memory_file));
  const auto canary =
      Canary::Start(sensor_.get(), directory_, [this] { return sensor_->RestoreHooks(); });
  SilenceProbes();
  std::vector<v1::Gap> gaps;
  const absl::Time deadline = absl::Now() + absl::Seconds(10);
  const auto is_told = [&] {
    return std::any_of(gaps.begin(), gaps.end(), [](const v1::Gap& gap) {
      return gap.kind() == "memory_file" && gap.class_() == v1::Gap::CLASS_BLIND;
    });
  };
  while (!is_told() && absl::Now() < deadline) {
    absl::SleepFor(absl::Milliseconds(20));
    for (v1::Gap& gap : canary->TakeGaps()) gaps.push_back(std::move(gap));
  }
  EXPECT_TRUE(is_told());
  EXPECT_TRUE(In(canary->blind(), Kind::memory_file));
}

}  // namespace
}  // namespace vakt
