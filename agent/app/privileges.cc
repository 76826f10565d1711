// SPDX-License-Identifier: Apache-2.0
#include "agent/app/privileges.h"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>

#include "common/base/log.h"
#include "common/base/status.h"

namespace vakt {
namespace {

using Holder = CapabilityRow::Holder;
using Need = CapabilityRow::Need;

// clang-format off
constexpr CapabilityRow kCapabilities[] = {
    {CAP_BPF, "CAP_BPF", Holder::kHooks, Need::kRequired, "no program can be loaded"},
    {CAP_PERFMON, "CAP_PERFMON", Holder::kHooks, Need::kRequired, "no program that traces can be loaded"},
    {CAP_NET_ADMIN, "CAP_NET_ADMIN", Holder::kHooks, Need::kWanted,
     "datagram flows have no peers, and owners of accepted connections are known late; where no rule "
     "about files is loaded, connects of datagram and unix sockets are not seen"},
    {CAP_SYS_ADMIN, "CAP_SYS_ADMIN", Holder::kHooks, Need::kAtTimes,
     "programs are not measured (vaktctl agent programs --measure); and where tracefs is not mounted on "
     "/sys/kernel/tracing, system calls are not seen"},
    {CAP_SYS_PTRACE, "CAP_SYS_PTRACE", Holder::kEveryone, Need::kAtTimes,
     "what belongs to other processes stays closed: the environment of those that ran before the agent, "
     "files in containers"},
    {CAP_DAC_READ_SEARCH, "CAP_DAC_READ_SEARCH", Holder::kStart, Need::kAtTimes,
     "rules, certificates and configuration have to be readable by the agent's user"},
    {CAP_DAC_OVERRIDE, "CAP_DAC_OVERRIDE", Holder::kStart, Need::kAtTimes,
     "the state directory has to belong to the agent's user"},
    {CAP_SYS_NICE, "CAP_SYS_NICE", Holder::kStart, Need::kAtTimes,
     "the agent runs at normal priority: on a busy node alerts come later"},
};

// What neither the agent nor its libraries call. Not fsopen, fsconfig and fsmount: where tracefs is not
// mounted a private one is (agent/sensor/tracepoint.cc).
constexpr uint32_t kRefusedCalls[] = {
    SYS_execve, SYS_execveat, SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev, SYS_kcmp,
    SYS_mount, SYS_umount2, SYS_pivot_root, SYS_chroot, SYS_move_mount, SYS_open_tree,
    SYS_mount_setattr, SYS_setns, SYS_unshare, SYS_setuid, SYS_setgid, SYS_setreuid, SYS_setregid,
    SYS_setresuid, SYS_setresgid, SYS_setfsuid, SYS_setfsgid, SYS_setgroups, SYS_init_module,
    SYS_finit_module, SYS_delete_module, SYS_kexec_load, SYS_kexec_file_load, SYS_reboot, SYS_swapon,
    SYS_swapoff, SYS_acct, SYS_quotactl, SYS_add_key, SYS_request_key, SYS_keyctl, SYS_userfaultfd,
    SYS_io_uring_setup, SYS_open_by_handle_at, SYS_personality, SYS_iopl, SYS_ioperm,
    SYS_modify_ldt, SYS_settimeofday, SYS_clock_settime, SYS_adjtimex, SYS_clock_adjtime,
    SYS_sethostname, SYS_setdomainname, SYS_vhangup, SYS_mknod, SYS_mknodat, SYS_pidfd_getfd,
    SYS_process_madvise, SYS_fanotify_init, SYS_syslog,
};
// clang-format on

constexpr CapabilitySet Bit(int capability) { return CapabilitySet{1} << capability; }

struct Capabilities {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};  // 0: the calling thread
  __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};

  bool Get() { return syscall(SYS_capget, &header, data) == 0; }
  bool Set() { return syscall(SYS_capset, &header, data) == 0; }
  CapabilitySet effective() const {
    return data[0].effective | static_cast<CapabilitySet>(data[1].effective) << 32;
  }
  void SetEffective(CapabilitySet set) {
    data[0].effective = static_cast<uint32_t>(set);
    data[1].effective = static_cast<uint32_t>(set >> 32);
  }
  void LimitPermitted(CapabilitySet set) {
    data[0].permitted &= static_cast<uint32_t>(set);
    data[1].permitted &= static_cast<uint32_t>(set >> 32);
    data[0].inheritable = data[1].inheritable = 0;
  }
};

// Kernels before 5.19 refuse bpf(2) whole to who has not CAP_BPF, if so set; later ones let who has
// a map's descriptor use it.
bool MapsAreRefused() {
  bpf_attr attr = {};
  attr.map_fd = static_cast<uint32_t>(-1);
  return syscall(SYS_bpf, BPF_MAP_LOOKUP_ELEM, &attr, sizeof(attr)) != 0 && errno == EPERM;
}

// Whether the file, or the directory that it is to be made in, is closed to the calling thread.
bool IsClosed(std::string path) {
  while (faccessat(AT_FDCWD, path.c_str(), F_OK, AT_EACCESS) != 0 && errno == ENOENT) {
    const size_t slash = path.find_last_of('/');
    if (slash == std::string::npos || slash == 0) return false;
    path.resize(slash);
  }
  return faccessat(AT_FDCWD, path.c_str(), R_OK, AT_EACCESS) != 0 && errno == EACCES;
}

}  // namespace

absl::Span<const CapabilityRow> AllCapabilities() { return kCapabilities; }

CapabilitySet CapabilitiesOf(CapabilityRow::Holder holder) {
  CapabilitySet set = 0;
  for (const CapabilityRow& row : kCapabilities) {
    if (row.holder == holder) set |= Bit(row.number);
  }
  return set;
}

CapabilitySet EffectiveCapabilities() {
  Capabilities mine;
  return mine.Get() ? mine.effective() : 0;
}

absl::Status KeepCapabilities(CapabilitySet capabilities) {
  Capabilities mine;
  if (!mine.Get()) return ErrnoStatus(errno, "reading capabilities");
  mine.SetEffective(mine.effective() & capabilities);
  mine.LimitPermitted(capabilities);
  if (!mine.Set()) return ErrnoStatus(errno, "giving up capabilities");
  prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  return absl::OkStatus();
}

CapabilitySet CapabilitiesToKeep(CapabilitySet capabilities,
                                 const std::vector<std::string>& paths) {
  CapabilitySet kept = CapabilitiesOf(Holder::kEveryone);
  Capabilities mine;
  if (!mine.Get()) return capabilities;
  const CapabilitySet before = mine.effective();
  mine.SetEffective(kept & before);
  if (!mine.Set()) return capabilities;  // tried with what will remain, then restored
  if (MapsAreRefused()) kept |= Bit(CAP_BPF);
  if (std::any_of(paths.begin(), paths.end(), IsClosed)) kept |= Bit(CAP_DAC_OVERRIDE);
  mine.SetEffective(before);
  mine.Set();
  return kept & capabilities;
}

absl::Status ConfineProcess() {
  std::vector<sock_filter> filter = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, arch)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
  };
  constexpr uint32_t kX32 = 0x40000000;  // numbers of the x32 ABI: other doors to the same calls
  filter.push_back(BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, kX32, 0, 1));
  filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM));
  for (const uint32_t number : kRefusedCalls) {
    filter.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1));
    filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM));
  }
  filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return ErrnoStatus(errno, "no new privileges");
  const sock_fprog program = {static_cast<unsigned short>(filter.size()), filter.data()};
  if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
    return ErrnoStatus(errno, "installing the filter of system calls");
  }
  return absl::OkStatus();
}

PrivilegedThread::PrivilegedThread(const char* name, CapabilitySet kept)
    : thread_([this, name, kept] {
        prctl(PR_SET_NAME, name);
        Run(kept);
      }) {}

PrivilegedThread::~PrivilegedThread() {
  {
    std::lock_guard lock(mutex_);
    end_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void PrivilegedThread::Do(const std::function<void()>& work) {
  std::lock_guard turn(turn_);
  std::unique_lock lock(mutex_);
  work_ = &work;
  changed_.notify_all();
  changed_.wait(lock, [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return work_ == nullptr; });
}

void PrivilegedThread::Run(CapabilitySet kept) {
  if (const absl::Status status = KeepCapabilities(kept); !status.ok()) {
    LogWarning(Message(status));
  }
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock,
                  [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return work_ != nullptr || end_; });
    if (work_ == nullptr) return;
    lock.unlock();
    (*work_)();
    lock.lock();
    work_ = nullptr;
    changed_.notify_all();
  }
}

}  // namespace vakt
