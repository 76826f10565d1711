// SPDX-License-Identifier: Apache-2.0
// Calls by the 32-bit ABI: what coverage strict sees and fast does not.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstring>

#include "tests/bpf/bpf_test_base.h"

namespace vakt {
namespace {

// Numbers of arch/x86/entry/syscalls/syscall_32.tbl.
constexpr long kOpen32 = 5, kUnlink32 = 10, kRename32 = 38, kChmod32 = 15, kTruncate64 = 193;

long Int80(long number, const void* a, uint64_t b = 0, uint64_t c = 0) {
  long result;
  __asm__ volatile("int $0x80"
                   : "=a"(result)
                   : "a"(number), "b"(a), "c"(b), "d"(c)
                   : "memory", "r8", "r9", "r10", "r11");
  return result;
}

// Memory that 32-bit calls can name.
char* LowPage() {
  void* page =
      mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
  return page == MAP_FAILED ? nullptr : static_cast<char*>(page);
}

class CompatBpfTest : public BpfTest {
 protected:
  static constexpr KindSet kKinds = KindBit(Kind::file_open) | KindBit(Kind::file_unlink) |
                                    KindBit(Kind::file_rename) | KindBit(Kind::file_chmod) |
                                    KindBit(Kind::file_truncate);

  // A file is opened, changed and removed by int 0x80; in a directory of its own.
  pid_t Act() {
    directory_ = "/tmp/vakt-compat-XXXXXX";
    EXPECT_NE(mkdtemp(directory_.data()), nullptr);
    return cgroup_->Run([&] {
      char* page = LowPage();
      if (page == nullptr || chdir(directory_.c_str()) != 0) return 1;
      std::strcpy(page, "one");
      std::strcpy(page + 16, "two");
      if (Int80(kOpen32, page, O_WRONLY | O_CREAT, 0640) < 0) return 2;
      if (Int80(kOpen32, page + 16, O_RDONLY) != -ENOENT) return 3;
      if (Int80(kTruncate64, page, 5, 1) != 0) return 4;  // 4 GiB and 5 bytes
      if (Int80(kChmod32, page, 0604) != 0) return 5;
      if (Int80(kRename32, page, reinterpret_cast<uint64_t>(page + 16)) != 0) return 6;
      return Int80(kUnlink32, page + 16) == 0 ? 0 : 7;
    });
  }
  void TearDown() override {
    if (!directory_.empty()) rmdir(directory_.c_str());
  }

  std::string directory_;
};

TEST_F(CompatBpfTest, strict_sees_calls_on_files) {
  StartSensor(kKinds, 16 << 20, /*strict=*/true);
  const pid_t pid = Act();
  const auto all = DrainAll(*sensor_);
  const auto opens = Of<vakt_file_open>(all, Kind::file_open, pid);
  ASSERT_EQ(opens.size(), 2u);
  const auto& [open, record] = opens[0];
  EXPECT_EQ(open.header.abi, VAKT_ABI_I386);
  EXPECT_EQ(open.syscall_nr, static_cast<uint32_t>(SYS_open));
  EXPECT_EQ(record.Text(open.file.path), directory_ + "/one");
  EXPECT_EQ(record.Text(open.name_raw), "one");
  EXPECT_EQ(open.flags & (O_ACCMODE | O_CREAT), static_cast<uint32_t>(O_WRONLY | O_CREAT));
  EXPECT_EQ(open.create_mode, 0640u);
  EXPECT_TRUE(open.facts & VAKT_OPEN_CREATED);
  EXPECT_GE(open.result, 0);
  EXPECT_EQ(opens[1].first.result, -ENOENT);
  EXPECT_EQ(opens[1].second.Text(opens[1].first.file.path), directory_);

  const auto change = [&](Kind kind) {
    const auto found = Of<vakt_file_change>(all, kind, pid);
    EXPECT_EQ(found.size(), 1u) << KindStem(kind);
    if (found.empty()) return vakt_file_change{};
    EXPECT_EQ(found[0].first.header.abi, VAKT_ABI_I386);
    EXPECT_EQ(found[0].first.result, 0);
    return found[0].first;
  };
  EXPECT_EQ(change(Kind::file_truncate).number, (uint64_t{1} << 32) + 5);
  EXPECT_EQ(change(Kind::file_chmod).mode, 0604u);
  EXPECT_EQ(change(Kind::file_rename).syscall_nr, static_cast<uint32_t>(SYS_rename));
  EXPECT_EQ(change(Kind::file_unlink).syscall_nr, static_cast<uint32_t>(SYS_unlink));
}

TEST_F(CompatBpfTest, fast_does_not_and_says_so) {
  StartSensor(kKinds);
  const pid_t pid = Act();
  EXPECT_TRUE(Of<vakt_file_open>(DrainAll(*sensor_), Kind::file_open, pid).empty());
  for (const ProbeReport& report : sensor_->Report()) {
    if (report.probe->type != HookType::kEverySyscall || !In(kKinds, report.probe->kind)) continue;
    EXPECT_EQ(report.state, ProbeReport::State::kNotNeeded);
    EXPECT_NE(report.detail, "");
  }
}

}  // namespace
}  // namespace vakt
