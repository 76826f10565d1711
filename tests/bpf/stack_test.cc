// SPDX-License-Identifier: Apache-2.0
// Where in its program a process made a critical call: from here, from memory that it wrote itself,
// from files that have a name no longer.
#include <elf.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <deque>
#include <thread>

#include "agent/decode/decoder.h"
#include "common/base/file.h"
#include "common/base/strings.h"
#include "tests/bpf/bpf_test_base.h"
#include "tests/support/own_code.h"

namespace vakt {
namespace {

constexpr long kNoProcess = 0x3fffff;
constexpr CallNumbers kTrace = {SYS_ptrace, PTRACE_SEIZE, kNoProcess, 0, 0};
constexpr size_t kPage = 4096;

// Code that makes a call, in memory of its own.
CodeFunction CodeIn(void* memory) {
  const std::string_view code = CallingCode();
  std::copy(code.begin(), code.end(), static_cast<char*>(memory));
  return reinterpret_cast<CodeFunction>(memory);
}

// A file, mapped executable, whose only page is code; it is closed again.
void* MapCode(int fd) {
  const std::string_view code = CallingCode();
  if (ftruncate(fd, kPage) != 0) return nullptr;
  if (pwrite(fd, code.data(), code.size(), 0) != static_cast<ssize_t>(code.size())) return nullptr;
  void* mapped = mmap(nullptr, kPage, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
  close(fd);
  return mapped == MAP_FAILED ? nullptr : mapped;
}

void* Memory(size_t size, int flags) {
  void* memory =
      mmap(nullptr, size, PROT_READ | PROT_WRITE | PROT_EXEC, flags | MAP_ANONYMOUS, -1, 0);
  return memory == MAP_FAILED ? nullptr : memory;
}

std::string BuildId(const StackFrame& frame) {
  if (!frame.has_build_id) return "";
  return {reinterpret_cast<const char*>(frame.build_id.data()), frame.build_id.size()};
}

class StackBpfTest : public BpfTest {
 protected:
  StackBpfTest() { user_stacks_ = true; }

  // Events of `kind` by the process that did `act`.
  std::vector<Event> Events(Kind kind, const std::function<int()>& act) {
    if (sensor_ == nullptr) StartSensor(KindBit(kind));
    if (sensor_ == nullptr) return {};
    int status = 0;
    const pid_t pid = cgroup_->Run(act, &status);
    EXPECT_EQ(status, 0);
    std::vector<Event> events;
    for (CapturedRecord& record : DrainAll(*sensor_)) {
      Event event;
      records_.push_back(std::move(record));
      EXPECT_TRUE(decoder_.Decode(records_.back().raw(), &event));
      if (event.kind == kind && event.task.pid == static_cast<uint32_t>(pid)) {
        events.push_back(event);
      }
    }
    return events;
  }

  // The stack of the one event that tracing nobody makes.
  UserStack TraceBy(const std::function<long()>& act) {
    const auto events = Events(Kind::process_ptrace, [&] { return act() == -ESRCH ? 0 : 1; });
    EXPECT_EQ(events.size(), 1u);
    return events.empty() ? UserStack{} : events[0].user_stack;
  }

  long TraceByCode(CodeFunction code) {
    return code(kTrace[0], kTrace[1], kTrace[2], kTrace[3], kTrace[4]);
  }

  void ExpectPlace(const StackFrame& frame, const void* address) {
    const CodePlace place = PlaceOf(address);
    ASSERT_EQ(place.build_id.size(), StackFrame::kBuildIdBytes);
    EXPECT_EQ(BuildId(frame), place.build_id);
    EXPECT_EQ(frame.offset, place.offset);
  }

  void ExpectOrigin(const UserStack& stack, const std::string& path) {
    struct stat info = {};
    ASSERT_EQ(stat(path.c_str(), &info), 0);
    EXPECT_EQ(stack.origin, CallOrigin::kFile);
    EXPECT_EQ(stack.origin_ino, info.st_ino);
    EXPECT_EQ(stack.origin_dev,
              static_cast<uint32_t>(major(info.st_dev) << 20 | minor(info.st_dev)));
  }

  // Kernels may be built without modules, kexec and so on.
  bool IsWatched(Kind kind) const {
    const auto reports = sensor_->Report();
    return std::any_of(reports.begin(), reports.end(), [&](const ProbeReport& report) {
      return report.probe->kind == kind && IsSyscallExit(report.probe->type) &&
             report.state == ProbeReport::State::kAttached;
    });
  }

  bool HasExecCallers() const {
    for (const ProbeReport& report : sensor_->Report()) {
      if (report.probe->program != "process_exec_caller") continue;
      return report.state == ProbeReport::State::kAttached;
    }
    ADD_FAILURE() << "no such probe";
    return false;
  }

  // What acts in a child tell the test.
  struct Shared {
    const void* returns_to = nullptr;
  };
  Shared* shared_ = static_cast<Shared*>(
      mmap(nullptr, kPage, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  ~StackBpfTest() override { munmap(shared_, kPage); }

  Decoder decoder_{0};
  std::deque<CapturedRecord> records_;  // events point into them
};

TEST_F(StackBpfTest, FramesAreTheProgramsOwnPlaces) {
  const UserStack stack = TraceBy([&] { return CallFromDepth(2, kTrace, &shared_->returns_to); });
  ASSERT_TRUE(stack.captured);
  ASSERT_GE(stack.frame_count, 4u);  // CallFromHere and three of CallFromDepth
  ExpectPlace(stack.frames[0], CallSite());
  ExpectPlace(stack.frames[1], shared_->returns_to);
  EXPECT_EQ(stack.frames[2].offset, stack.frames[3].offset);  // the recursion
  EXPECT_NE(stack.frames[1].offset, stack.frames[2].offset);
  EXPECT_EQ(BuildId(stack.frames[3]), BuildId(stack.frames[0]));
  ExpectOrigin(stack, "/proc/self/exe");
  EXPECT_EQ(stack.origin_name, "bpf_stack_test");
}

TEST_F(StackBpfTest, ADeepStackIsCut) {
  const UserStack stack = TraceBy([&] { return CallFromDepth(40, kTrace, &shared_->returns_to); });
  EXPECT_EQ(stack.frame_count, UserStack::kMaxFrames);
  EXPECT_TRUE(stack.truncated);
  ExpectPlace(stack.frames[0], CallSite());
  EXPECT_EQ(stack.frames[15].offset, stack.frames[2].offset);
}

TEST_F(StackBpfTest, TheLibrarysWrapperIsAFile) {
  const UserStack stack = TraceBy(
      [] { return ptrace(PTRACE_SEIZE, kNoProcess, nullptr, nullptr) == -1 ? long{-errno} : 0; });
  ASSERT_GE(stack.frame_count, 1u);
  EXPECT_EQ(stack.origin, CallOrigin::kFile);
  EXPECT_EQ(stack.origin_name, "libc.so.6");
  EXPECT_EQ(BuildId(stack.frames[0]), PlaceOf(reinterpret_cast<void*>(&ptrace)).build_id);
  EXPECT_FALSE(stack.truncated);
}

TEST_F(StackBpfTest, CodeThatTheProcessWroteIsAnonymous) {
  void* memory = Memory(kPage, MAP_PRIVATE);
  ASSERT_NE(memory, nullptr);
  const CodeFunction code = CodeIn(memory);
  const UserStack stack = TraceBy([&] { return TraceByCode(code); });
  EXPECT_EQ(stack.origin, CallOrigin::kAnonymous);
  EXPECT_EQ(stack.origin_name, "");
  EXPECT_EQ(stack.origin_ino, 0u);
  ASSERT_GE(stack.frame_count, 1u);
  EXPECT_FALSE(stack.frames[0].has_build_id);
  EXPECT_EQ(stack.frames[0].offset, reinterpret_cast<uint64_t>(memory) + kCodeCallEnd);
  munmap(memory, kPage);
}

// It has a file of the kernel's own.
TEST_F(StackBpfTest, SharedMemoryIsAnonymous) {
  void* memory = Memory(kPage, MAP_SHARED);
  ASSERT_NE(memory, nullptr);
  const CodeFunction code = CodeIn(memory);
  const UserStack stack = TraceBy([&] { return TraceByCode(code); });
  EXPECT_EQ(stack.origin, CallOrigin::kAnonymous);
  EXPECT_EQ(stack.origin_name, "dev/zero");
  munmap(memory, kPage);
}

TEST_F(StackBpfTest, AFileInMemoryIsTheFileThatItIs) {
  void* memory = MapCode(memfd_create("planted", 0));
  ASSERT_NE(memory, nullptr);
  const auto code = reinterpret_cast<CodeFunction>(memory);
  const UserStack stack = TraceBy([&] { return TraceByCode(code); });
  EXPECT_EQ(stack.origin, CallOrigin::kFile);
  EXPECT_EQ(stack.origin_name, "memfd:planted");
  munmap(memory, kPage);
}

TEST_F(StackBpfTest, ADeletedFileIsAFile) {
  std::string path = "/tmp/vakt_stack_XXXXXX";
  const int fd = mkstemp(path.data());
  ASSERT_GE(fd, 0);
  void* memory = MapCode(fd);
  struct stat info = {};
  EXPECT_EQ(stat(path.c_str(), &info), 0);
  EXPECT_EQ(unlink(path.c_str()), 0);
  ASSERT_NE(memory, nullptr);
  const auto code = reinterpret_cast<CodeFunction>(memory);
  const UserStack stack = TraceBy([&] { return TraceByCode(code); });
  EXPECT_EQ(stack.origin, CallOrigin::kFile);
  EXPECT_EQ(stack.origin_name, path.substr(path.rfind('/') + 1));
  EXPECT_EQ(stack.origin_ino, info.st_ino);
  ASSERT_GE(stack.frame_count, 1u);
  EXPECT_FALSE(stack.frames[0].has_build_id);  // it is no ELF file
  munmap(memory, kPage);
}

// The instruction pointer is behind the instruction: here in another mapping.
TEST_F(StackBpfTest, TheOriginIsWhereTheInstructionIsNotWhatFollows) {
  char* memory = static_cast<char*>(Memory(2 * kPage, MAP_PRIVATE));
  ASSERT_NE(memory, nullptr);
  const std::string_view code = CallingCode();
  const auto start = reinterpret_cast<CodeFunction>(
      std::copy_n(code.begin(), kCodeCallEnd, memory + kPage - kCodeCallEnd) - kCodeCallEnd);
  const int fd = memfd_create("behind", 0);
  ASSERT_EQ(ftruncate(fd, kPage), 0);
  ASSERT_EQ(pwrite(fd, code.data() + kCodeCallEnd, 1, 0), 1);
  ASSERT_EQ(mmap(memory + kPage, kPage, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, fd, 0),
            memory + kPage);
  close(fd);
  const UserStack stack = TraceBy([&] { return TraceByCode(start); });
  EXPECT_EQ(stack.origin, CallOrigin::kAnonymous);
  munmap(memory, 2 * kPage);
}

// Also of a thread that is not the first: it takes that one's place, and its number.
TEST_F(StackBpfTest, AProgramStartTellsWhoAskedForIt) {
  const char* const argv[] = {"true", nullptr};
  const CallNumbers start = {SYS_execve, reinterpret_cast<long>("/bin/true"),
                             reinterpret_cast<long>(argv), 0, 0};
  for (const bool in_thread : {false, true}) {
    const auto exec = [&] { CallFromDepth(0, start, &shared_->returns_to); };
    const auto events = Events(Kind::process_exec, [&] {
      if (in_thread) std::thread(exec).join();
      exec();
      return 1;
    });
    ASSERT_EQ(events.size(), 1u);
    const UserStack& stack = events[0].user_stack;
    if (!HasExecCallers()) {
      EXPECT_FALSE(stack.captured);
      GTEST_SKIP() << "this kernel has no sched_prepare_exec (6.10)";
    }
    ExpectOrigin(stack, "/proc/self/exe");
    EXPECT_EQ(stack.origin_name, "bpf_stack_test");
    EXPECT_EQ(stack.frame_count, 0u);  // of what lies in files the file is told
    EXPECT_TRUE(stack.truncated);
  }
}

TEST_F(StackBpfTest, AProgramStartFromWrittenCodeIsAnonymous) {
  const char* const argv[] = {"true", nullptr};
  void* memory = Memory(kPage, MAP_PRIVATE);
  const CodeFunction code = CodeIn(memory);
  const auto events = Events(Kind::process_exec, [&] {
    code(SYS_execve, reinterpret_cast<long>("/bin/true"), reinterpret_cast<long>(argv), 0, 0);
    return 1;
  });
  ASSERT_EQ(events.size(), 1u);
  if (!HasExecCallers()) GTEST_SKIP() << "this kernel has no sched_prepare_exec (6.10)";
  const UserStack& stack = events[0].user_stack;
  EXPECT_EQ(stack.origin, CallOrigin::kAnonymous);
  ASSERT_GE(stack.frame_count, 1u);
  EXPECT_EQ(stack.frames[0].offset, reinterpret_cast<uint64_t>(memory) + kCodeCallEnd);
  EXPECT_FALSE(stack.truncated);
}

// A program that the kernel finds wrong when its starter is gone already: a segment has more bytes
// in the file than in memory.
int WrongProgram() {
  Elf64_Ehdr header = {};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_type = ET_EXEC;
  header.e_machine = EM_X86_64;
  header.e_phoff = sizeof(header);
  header.e_phentsize = sizeof(Elf64_Phdr);
  header.e_phnum = 1;
  Elf64_Phdr segment = {};
  segment.p_type = PT_LOAD;
  segment.p_flags = PF_R | PF_X;
  segment.p_vaddr = 0x400000;
  segment.p_filesz = sizeof(header) + sizeof(segment);
  const int fd = memfd_create("wrong", 0);
  EXPECT_EQ(pwrite(fd, &header, sizeof(header), 0), static_cast<ssize_t>(sizeof(header)));
  EXPECT_EQ(pwrite(fd, &segment, sizeof(segment), sizeof(header)),
            static_cast<ssize_t>(sizeof(segment)));
  return fd;
}

bool DiesWhileItStarts(int program) {
  char name[] = "wrong";
  char* const argv[] = {name, nullptr};
  const pid_t child = vfork();
  if (child == 0) {
    fexecve(program, argv, environ);
    _exit(1);
  }
  int status = 0;
  return waitpid(child, &status, 0) == child && WIFSIGNALED(status);
}

// What was kept of their starters must not be in the way of others.
TEST_F(StackBpfTest, ProgramsThatDieWhileTheyStartLeaveRoom) {
  constexpr int kMoreThanAreKept = 700;
  const int wrong = WrongProgram();
  const char* const argv[] = {"true", nullptr};
  const CodeFunction code = CodeIn(Memory(kPage, MAP_PRIVATE));
  const auto events = Events(Kind::process_exec, [&] {
    for (int i = 0; i < kMoreThanAreKept; ++i) {
      if (!DiesWhileItStarts(wrong)) return 1;
    }
    code(SYS_execve, reinterpret_cast<long>("/bin/true"), reinterpret_cast<long>(argv), 0, 0);
    return 1;
  });
  close(wrong);
  ASSERT_EQ(events.size(), 1u);
  if (!HasExecCallers()) GTEST_SKIP() << "this kernel has no sched_prepare_exec (6.10)";
  EXPECT_EQ(events[0].user_stack.origin, CallOrigin::kAnonymous);
}

TEST_F(StackBpfTest, NothingIsCapturedOfKindsThatNoRuleAsksFor) {
  StartSensor(KindBit(Kind::process_ptrace));
  const auto events =
      Events(Kind::process_exec, [] { return execl("/bin/true", "true", nullptr); });
  ASSERT_EQ(events.size(), 1u);  // the agent itself wants these
  EXPECT_FALSE(events[0].user_stack.captured);
}

TEST_F(StackBpfTest, NothingIsCapturedWhenItIsOff) {
  user_stacks_ = false;
  EXPECT_FALSE(TraceBy([&] { return CallFromDepth(0, kTrace, &shared_->returns_to); }).captured);
}

long Call(long number, long a = 0, long b = 0, long c = 0, long d = 0) {
  const void* ignored = nullptr;
  return CallFromHere({number, a, b, c, d}, &ignored);
}

// Acts that are seen and change nothing: one for each kind with a stack.
struct Act {
  Kind kind;
  void (*act)();
};
const Act kActs[] = {
    {Kind::process_exec_failed, [] { Call(SYS_execve, reinterpret_cast<long>("/none")); }},
    {Kind::process_ptrace, [] { Call(SYS_ptrace, PTRACE_SEIZE, kNoProcess); }},
    {Kind::process_vm, [] { Call(SYS_process_vm_readv, kNoProcess); }},
    {Kind::process_credentials, [] { Call(SYS_setuid, getuid()); }},
    {Kind::process_namespace, [] { Call(SYS_unshare, 0); }},
    {Kind::process_personality, [] { Call(SYS_personality, 0xffffffff); }},
    {Kind::process_descriptor, [] { Call(438 /* pidfd_getfd */, -1, -1); }},
    {Kind::file_mount, [] { Call(SYS_mount, 0, reinterpret_cast<long>("/none")); }},
    {Kind::file_chroot, [] { Call(SYS_chroot, reinterpret_cast<long>("/none")); }},
    {Kind::network_dup, [] { Call(SYS_dup2, socket(AF_INET, SOCK_STREAM, 0), 0); }},
    {Kind::memory_file, [] { Call(SYS_memfd_create, reinterpret_cast<long>("x")); }},
    {Kind::memory_protect,
     [] { Call(SYS_mmap, 0, kPage, PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS); }},
    {Kind::kernel_module, [] { Call(SYS_init_module); }},
    {Kind::kernel_bpf, [] { Call(SYS_bpf, -1); }},
    {Kind::kernel_kexec, [] { Call(SYS_kexec_load, 0, 1000); }},
    {Kind::kernel_perf, [] { Call(SYS_perf_event_open); }},
    {Kind::kernel_io_uring, [] { Call(425 /* io_uring_setup */); }},
    {Kind::kernel_userfaultfd, [] { Call(SYS_userfaultfd, -1); }},
    {Kind::kernel_reboot, [] { Call(SYS_reboot); }},
};

TEST_F(StackBpfTest, EveryKindWithAStackHasOne) {
  KindSet tried = KindBit(Kind::process_exec);  // above
  StartSensor(kStackKinds);
  for (const Act& act : kActs) {
    tried |= KindBit(act.kind);
    if (!IsWatched(act.kind)) continue;
    const auto events = Events(act.kind, [&] {
      act.act();
      return 0;
    });
    const std::string_view stem = KindStem(act.kind);
    ASSERT_GE(events.size(), 1u) << stem;
    const UserStack& stack = events.back().user_stack;
    ASSERT_GE(stack.frame_count, 1u) << stem;
    ExpectPlace(stack.frames[0], CallSite());
    EXPECT_EQ(stack.origin_name, "bpf_stack_test") << stem;
  }
  EXPECT_EQ(tried, kStackKinds);
}

}  // namespace
}  // namespace vakt
