// SPDX-License-Identifier: Apache-2.0
// Who did it: programs that are made, execute others and end as fast as the machine can, on all its
// CPUs, with process numbers that come back at once, each say who they are (churn_actor.cc). What
// the stages say of each claim's process, program, parent and container is compared with it.
// VAKT_CHURN_CLAIMS=100000 makes it as many claims.
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "agent/decode/decoder.h"
#include "agent/enrich/account_table.h"
#include "agent/enrich/enricher.h"
#include "common/base/strings.h"
#include "tests/bpf/bpf_test_base.h"
#include "tests/support/temporary_directory.h"

namespace vakt {
namespace {

constexpr size_t kContainers = 3;

size_t ClaimsWanted() {
  const char* wanted = std::getenv("VAKT_CHURN_CLAIMS");
  return wanted == nullptr ? 4000 : static_cast<size_t>(std::atoll(wanted));
}

class IdentityBpfTest : public BpfTest {
 protected:
  void SetUp() override {
    BpfTest::SetUp();
    if (cgroup_ == nullptr) return;
    for (size_t i = 0; i < kContainers; ++i) {
      cgroups_.push_back(StrCat(cgroup_->path(), "/docker-", std::string(63, 'c'), i, ".scope"));
      ASSERT_EQ(mkdir(cgroups_.back().c_str(), 0755), 0);
    }
    for (int i = 0; i < 4; ++i) {
      std::filesystem::copy_file(VAKT_BINARY_DIR "/tests/churn_actor",
                                 StrCat(dir_.path(), "/act", i));
    }
  }
  void TearDown() override {
    for (const std::string& cgroup : cgroups_) {
      for (int i = 0; i < 100 && rmdir(cgroup.c_str()) != 0; ++i) usleep(10000);
    }
  }

  pid_t StartWorker(int cpu, size_t children) {
    return cgroup_->Start([&] {
      std::vector<std::string> words = {dir_.path() + "/act3", StrCat("worker", cpu), "work",
                                        dir_.path(),           StrCat(children),      StrCat(cpu)};
      words.insert(words.end(), cgroups_.begin(), cgroups_.end());
      std::vector<char*> argv;
      for (std::string& word : words) argv.push_back(word.data());
      argv.push_back(nullptr);
      execv(argv[0], argv.data());
      return 98;
    });
  }

  void Apply(RawRecord record) {
    Event event;
    if (!decoder_.Decode(record, &event)) return;
    enricher_.Apply(event);
    if (event.kind == Kind::file_open) Check(event);
  }

  void Check(const Event& event) {
    const std::string_view name = event.file_open.name_raw;
    const size_t at = name.find("/claim,");
    if (at == name.npos) return;
    const std::vector<std::string> words = absl::StrSplit(ToAbsl(name.substr(at + 1)), ',');
    ASSERT_EQ(words.size(), 6u) << name;
    ++claims_;
    pids_.insert(event.process->pid);
    const Process& process = *event.process;
    std::string wrong;
    const auto expect = [&](std::string_view what, std::string_view is, std::string_view claim) {
      if (is != claim) wrong += StrCat(" ", what, " ", is);
    };
    expect("process", FirstArgument(&process), words[1]);
    const std::string_view program = process.exe_path;
    expect("program", program.substr(program.rfind('/') + 1), words[2]);
    expect("parent", FirstArgument(process.parent), words[3]);
    expect("container", StrCat("docker-", std::string_view(process.container_full_id), ".scope"),
           words[4]);
    expect("pid", StrCat(process.pid), words[5]);
    if (wrong.empty()) return;
    if (++wrong_ <= 10) ADD_FAILURE() << name << ":" << wrong;
  }

  static std::string FirstArgument(const Process* process) {
    if (process == nullptr) return "<none>";
    const std::vector<std::string> words = absl::StrSplit(ToAbsl(process->args), ' ');
    return words[0];
  }

  TemporaryDirectory dir_;
  std::vector<std::string> cgroups_;
  AccountTable accounts_{AccountFiles{}};
  Decoder decoder_{0};
  Enricher enricher_{EnrichOptions{}, &accounts_};
  size_t claims_ = 0;
  size_t wrong_ = 0;
  std::set<uint32_t> pids_;
};

TEST_F(IdentityBpfTest, every_event_has_its_process_program_parent_and_container) {
  StartSensor(KindBit(Kind::file_open), 64 << 20);
  ASSERT_TRUE(sensor_->Seed([this](RawRecord record) { Apply(record); }).ok());
  const int cpus = std::max(2, get_nprocs());
  const size_t children =
      ClaimsWanted() * 2 / 5 / static_cast<size_t>(cpus) + 1;  // 2.5 claims each
  std::set<pid_t> workers;
  for (int cpu = 0; cpu < cpus; ++cpu) workers.insert(StartWorker(cpu, children));
  for (bool drained = false; !drained || !workers.empty();) {
    const auto batch = sensor_->Next(absl::Milliseconds(100));
    drained = batch.empty();
    for (RawRecord record : batch) Apply(record);
    int status = 0;
    const pid_t ended = waitpid(-1, &status, WNOHANG);
    if (ended <= 0 || workers.erase(ended) == 0) continue;
    EXPECT_EQ(status, 0);
  }
  uint64_t lost = 0;
  for (const auto& reasons : sensor_->Counters().lost) {
    for (const uint64_t count : reasons) lost += count;
  }
  EXPECT_EQ(lost, 0u);
  EXPECT_GE(claims_, ClaimsWanted());
  EXPECT_EQ(wrong_, 0u);
  EXPECT_LT(pids_.size(), claims_ / 10) << "numbers did not come back";
  std::printf("%zu claims by %zu process numbers, %zu wrong\n", claims_, pids_.size(), wrong_);
}

}  // namespace
}  // namespace vakt
