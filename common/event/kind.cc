// SPDX-License-Identifier: Apache-2.0
#include "common/event/kind.h"

#include <algorithm>
#include <cstddef>

namespace vakt {
namespace {

constexpr KindRow kKinds[] = {
#define VAKT_EVENT(stem, id, lane, stack, text) {Kind::stem, #stem, Lane::lane, Stack::stack, text},
#include "bpf/wire/events.def"
#undef VAKT_EVENT
};

constexpr size_t kAgentKinds = 0
#define VAKT_EVENT(stem, id, lane, stack, text)
#define VAKT_AGENT_EVENT(stem, id, lane, stack, text) +1
#include "bpf/wire/events.def"
#undef VAKT_EVENT
    ;

// For each event, so an array access. KindSet bounds the ids.
constexpr auto kKindById = [] {
  std::array<const KindRow*, 64> rows{};
  for (const KindRow& row : kKinds) rows[static_cast<size_t>(row.kind)] = &row;
  return rows;
}();

// System calls by x86-64 number (arch/x86/entry/syscalls/syscall_64.tbl, Linux 6.18): 0 and up.
constexpr std::string_view kSyscalls =
    "read write open close stat fstat lstat poll lseek mmap mprotect munmap brk rt_sigaction "
    "rt_sigprocmask rt_sigreturn ioctl pread64 pwrite64 readv writev access pipe select "
    "sched_yield mremap msync mincore madvise shmget shmat shmctl dup dup2 pause nanosleep "
    "getitimer alarm setitimer getpid sendfile socket connect accept sendto recvfrom sendmsg "
    "recvmsg shutdown bind listen getsockname getpeername socketpair setsockopt getsockopt "
    "clone fork vfork execve exit wait4 kill uname semget semop semctl shmdt msgget msgsnd "
    "msgrcv msgctl fcntl flock fsync fdatasync truncate ftruncate getdents getcwd chdir fchdir "
    "rename mkdir rmdir creat link unlink symlink readlink chmod fchmod chown fchown lchown "
    "umask gettimeofday getrlimit getrusage sysinfo times ptrace getuid syslog getgid setuid "
    "setgid geteuid getegid setpgid getppid getpgrp setsid setreuid setregid getgroups "
    "setgroups setresuid getresuid setresgid getresgid getpgid setfsuid setfsgid getsid capget "
    "capset rt_sigpending rt_sigtimedwait rt_sigqueueinfo rt_sigsuspend sigaltstack utime mknod "
    "uselib personality ustat statfs fstatfs sysfs getpriority setpriority sched_setparam "
    "sched_getparam sched_setscheduler sched_getscheduler sched_get_priority_max "
    "sched_get_priority_min sched_rr_get_interval mlock munlock mlockall munlockall vhangup "
    "modify_ldt pivot_root _sysctl prctl arch_prctl adjtimex setrlimit chroot sync acct "
    "settimeofday mount umount2 swapon swapoff reboot sethostname setdomainname iopl ioperm "
    "create_module init_module delete_module get_kernel_syms query_module quotactl nfsservctl "
    "getpmsg putpmsg afs_syscall tuxcall security gettid readahead setxattr lsetxattr fsetxattr "
    "getxattr lgetxattr fgetxattr listxattr llistxattr flistxattr removexattr lremovexattr "
    "fremovexattr tkill time futex sched_setaffinity sched_getaffinity set_thread_area io_setup "
    "io_destroy io_getevents io_submit io_cancel get_thread_area lookup_dcookie epoll_create "
    "epoll_ctl_old epoll_wait_old remap_file_pages getdents64 set_tid_address restart_syscall "
    "semtimedop fadvise64 timer_create timer_settime timer_gettime timer_getoverrun "
    "timer_delete clock_settime clock_gettime clock_getres clock_nanosleep exit_group "
    "epoll_wait epoll_ctl tgkill utimes vserver mbind set_mempolicy get_mempolicy mq_open "
    "mq_unlink mq_timedsend mq_timedreceive mq_notify mq_getsetattr kexec_load waitid add_key "
    "request_key keyctl ioprio_set ioprio_get inotify_init inotify_add_watch inotify_rm_watch "
    "migrate_pages openat mkdirat mknodat fchownat futimesat newfstatat unlinkat renameat "
    "linkat symlinkat readlinkat fchmodat faccessat pselect6 ppoll unshare set_robust_list "
    "get_robust_list splice tee sync_file_range vmsplice move_pages utimensat epoll_pwait "
    "signalfd timerfd_create eventfd fallocate timerfd_settime timerfd_gettime accept4 "
    "signalfd4 eventfd2 epoll_create1 dup3 pipe2 inotify_init1 preadv pwritev rt_tgsigqueueinfo "
    "perf_event_open recvmmsg fanotify_init fanotify_mark prlimit64 name_to_handle_at "
    "open_by_handle_at clock_adjtime syncfs sendmmsg setns getcpu process_vm_readv "
    "process_vm_writev kcmp finit_module sched_setattr sched_getattr renameat2 seccomp "
    "getrandom memfd_create kexec_file_load bpf execveat userfaultfd membarrier mlock2 "
    "copy_file_range preadv2 pwritev2 pkey_mprotect pkey_alloc pkey_free statx io_pgetevents "
    "rseq";

// 335 to 423 are not assigned.
constexpr int kLaterSyscallsBase = 424;
constexpr std::string_view kLaterSyscalls =
    "pidfd_send_signal io_uring_setup io_uring_enter io_uring_register open_tree move_mount "
    "fsopen fsconfig fsmount fspick pidfd_open clone3 close_range openat2 pidfd_getfd "
    "faccessat2 process_madvise epoll_pwait2 mount_setattr quotactl_fd landlock_create_ruleset "
    "landlock_add_rule landlock_restrict_self memfd_secret process_mrelease futex_waitv "
    "set_mempolicy_home_node cachestat fchmodat2 map_shadow_stack futex_wake futex_wait "
    "futex_requeue statmount listmount lsm_get_self_attr lsm_set_self_attr lsm_list_modules "
    "mseal setxattrat getxattrat listxattrat removexattrat open_tree_attr file_getattr "
    "file_setattr";

// Falco's names for what is not an x86-64 system call: scheduler and internal events, its own
// spellings, and calls that only the 32-bit ABI has. The last four are ours: the
// kernel's tracepoints, and what the agent makes of flows.
constexpr std::string_view kOtherTypes =
    "procexit switch page_fault signaldeliver procinfo cpu_hotplug container drop notification "
    "infra useradded userdeleted groupadded groupdeleted asyncevent pluginevent syscall umount "
    "pread pwrite send recv socketcall sigreturn sigaction waitpid nice _llseek _newselect "
    "mmap2 stat64 lstat64 fstat64 fcntl64 truncate64 ftruncate64 getuid32 setuid32 getgid32 "
    "setgid32 setresuid32 setresgid32 setreuid32 setregid32 chown32 fchown32 lchown32 "
    "ugetrlimit readdir signal stime oldstat oldlstat oldfstat task_rename cgroup_attach_task "
    "flow dns";

// What our probes report, and Falco's category of it. Everything else is known by name alone.
struct ReportedType {
  std::string_view type;
  Kind kind;
  std::string_view category;
  Kind failed = Kind::none;  // reports the attempts that failed, to rules that ask for those
};
constexpr ReportedType kReportedTypes[] = {
    {"clone", Kind::process_fork, "process"},
    {"clone3", Kind::process_fork, "process"},
    {"fork", Kind::process_fork, "process"},
    {"vfork", Kind::process_fork, "process"},
    {"execve", Kind::process_exec, "process", Kind::process_exec_failed},
    {"execveat", Kind::process_exec, "process", Kind::process_exec_failed},
    {"procexit", Kind::process_exit, "process"},
    {"task_rename", Kind::process_rename, "process"},
    {"ptrace", Kind::process_ptrace, "process"},
    {"process_vm_readv", Kind::process_vm, "process"},
    {"process_vm_writev", Kind::process_vm, "process"},
    {"pidfd_getfd", Kind::process_descriptor, "process"},
    {"prlimit64", Kind::process_limit, "process"},
    {"sched_setscheduler", Kind::process_limit, "process"},
    {"sched_setparam", Kind::process_limit, "process"},
    {"sched_setattr", Kind::process_limit, "process"},
    {"sched_setaffinity", Kind::process_limit, "process"},
    {"signaldeliver", Kind::process_signal, "signal"},
    {"kill", Kind::process_signal, "signal"},
    {"tkill", Kind::process_signal, "signal"},
    {"tgkill", Kind::process_signal, "signal"},
    {"pidfd_send_signal", Kind::process_signal, "signal"},
    {"rt_sigqueueinfo", Kind::process_signal, "signal"},
    {"rt_tgsigqueueinfo", Kind::process_signal, "signal"},
    {"setuid", Kind::process_credentials, "user"},
    {"setgid", Kind::process_credentials, "user"},
    {"setreuid", Kind::process_credentials, "user"},
    {"setregid", Kind::process_credentials, "user"},
    {"setresuid", Kind::process_credentials, "user"},
    {"setresgid", Kind::process_credentials, "user"},
    {"setfsuid", Kind::process_credentials, "user"},
    {"setfsgid", Kind::process_credentials, "user"},
    {"setgroups", Kind::process_credentials, "user"},
    {"capset", Kind::process_credentials, "process"},
    {"setsid", Kind::process_session, "process"},
    {"setpgid", Kind::process_session, "process"},
    {"prctl", Kind::process_prctl, "process"},
    {"unshare", Kind::process_namespace, "process"},
    {"setns", Kind::process_namespace, "process"},
    {"cgroup_attach_task", Kind::process_cgroup, "process"},
    {"seccomp", Kind::process_seccomp, "process"},
    {"personality", Kind::process_personality, "process"},
    {"memfd_create", Kind::memory_file, "memory"},
    {"memfd_secret", Kind::memory_file, "memory"},
    {"mmap", Kind::memory_protect, "memory"},
    {"mprotect", Kind::memory_protect, "memory"},
    {"pkey_mprotect", Kind::memory_protect, "memory"},
    {"init_module", Kind::kernel_module, "other"},
    {"finit_module", Kind::kernel_module, "other"},
    {"delete_module", Kind::kernel_module, "other"},
    {"bpf", Kind::kernel_bpf, "other"},
    {"kexec_load", Kind::kernel_kexec, "other"},
    {"kexec_file_load", Kind::kernel_kexec, "other"},
    {"perf_event_open", Kind::kernel_perf, "other"},
    {"add_key", Kind::kernel_key, "other"},
    {"request_key", Kind::kernel_key, "other"},
    {"keyctl", Kind::kernel_key, "other"},
    {"io_uring_setup", Kind::kernel_io_uring, "other"},
    {"userfaultfd", Kind::kernel_userfaultfd, "memory"},
    {"settimeofday", Kind::kernel_time, "time"},
    {"clock_settime", Kind::kernel_time, "time"},
    {"swapon", Kind::kernel_swap, "other"},
    {"swapoff", Kind::kernel_swap, "other"},
    {"reboot", Kind::kernel_reboot, "other"},
    {"open", Kind::file_open, "file"},
    {"creat", Kind::file_open, "file"},
    {"openat", Kind::file_open, "file"},
    {"openat2", Kind::file_open, "file"},
    {"open_by_handle_at", Kind::file_open, "file"},
    {"unlink", Kind::file_unlink, "file"},
    {"unlinkat", Kind::file_unlink, "file"},
    {"rmdir", Kind::file_unlink, "file"},
    {"rename", Kind::file_rename, "file"},
    {"renameat", Kind::file_rename, "file"},
    {"renameat2", Kind::file_rename, "file"},
    {"link", Kind::file_link, "file"},
    {"linkat", Kind::file_link, "file"},
    {"symlink", Kind::file_symlink, "file"},
    {"symlinkat", Kind::file_symlink, "file"},
    {"mkdir", Kind::file_mkdir, "file"},
    {"mkdirat", Kind::file_mkdir, "file"},
    {"mknod", Kind::file_mknod, "file"},
    {"mknodat", Kind::file_mknod, "file"},
    {"chmod", Kind::file_chmod, "file"},
    {"fchmod", Kind::file_chmod, "file"},
    {"fchmodat", Kind::file_chmod, "file"},
    {"fchmodat2", Kind::file_chmod, "file"},
    {"chown", Kind::file_chown, "file"},
    {"lchown", Kind::file_chown, "file"},
    {"fchown", Kind::file_chown, "file"},
    {"fchownat", Kind::file_chown, "file"},
    {"setxattr", Kind::file_setxattr, "file"},
    {"lsetxattr", Kind::file_setxattr, "file"},
    {"fsetxattr", Kind::file_setxattr, "file"},
    {"setxattrat", Kind::file_setxattr, "file"},
    {"removexattr", Kind::file_setxattr, "file"},
    {"lremovexattr", Kind::file_setxattr, "file"},
    {"fremovexattr", Kind::file_setxattr, "file"},
    {"removexattrat", Kind::file_setxattr, "file"},
    {"truncate", Kind::file_truncate, "file"},
    {"ftruncate", Kind::file_truncate, "file"},
    {"mount", Kind::file_mount, "file"},
    {"move_mount", Kind::file_mount, "file"},
    {"open_tree", Kind::file_mount, "file"},
    {"open_tree_attr", Kind::file_mount, "file"},
    {"fsopen", Kind::file_mount, "file"},
    {"fsmount", Kind::file_mount, "file"},
    {"mount_setattr", Kind::file_mount, "file"},
    {"umount2", Kind::file_umount, "file"},
    {"chroot", Kind::file_chroot, "file"},
    {"pivot_root", Kind::file_chroot, "file"},
    {"connect", Kind::network_connect, "net"},
    {"accept", Kind::network_accept, "net"},
    {"accept4", Kind::network_accept, "net"},
    {"socket", Kind::network_socket, "net"},
    {"bind", Kind::network_bind, "net"},
    {"listen", Kind::network_listen, "net"},
    {"sendto", Kind::network_send, "net"},
    {"sendmsg", Kind::network_send, "net"},
    {"sendmmsg", Kind::network_send, "net"},
    {"recvfrom", Kind::network_receive, "net"},
    {"recvmsg", Kind::network_receive, "net"},
    {"recvmmsg", Kind::network_receive, "net"},
    {"dup", Kind::network_dup, "other"},
    {"dup2", Kind::network_dup, "other"},
    {"dup3", Kind::network_dup, "other"},
    {"fcntl", Kind::network_dup, "other"},
    {"flow", Kind::network_flow, "net"},
    {"dns", Kind::network_dns, "net"},
};

constexpr ReportedType Reported(std::string_view type) {
  for (const auto& row : kReportedTypes) {
    if (row.type == type) return row;
  }
  return {type, Kind::none, {}};
}

constexpr size_t CountWords(std::string_view words) {
  return std::count(words.begin(), words.end(), ' ') + 1;
}

constexpr size_t kSyscallCount = CountWords(kSyscalls);
constexpr size_t kLaterCount = CountWords(kLaterSyscalls);
constexpr size_t kTypeCount = kSyscallCount + kLaterCount + CountWords(kOtherTypes);

using EventTypeTable = std::array<EventTypeRow, kTypeCount>;

// Appends one row per word, numbered from `nr` on, or -1 for all when that is negative.
constexpr uint16_t AddWords(std::string_view words, int nr, uint16_t id, EventTypeTable& rows) {
  while (!words.empty()) {
    const std::string_view name = words.substr(0, words.find(' '));
    const ReportedType reported = Reported(name);
    rows[id] = {name, id, nr, reported.kind, reported.failed, reported.category};
    ++id;
    if (nr >= 0) ++nr;
    words.remove_prefix(std::min(name.size() + 1, words.size()));
  }
  return id;
}

constexpr EventTypeTable MakeEventTypes() {
  EventTypeTable rows{};
  uint16_t id = AddWords(kSyscalls, 0, 0, rows);
  id = AddWords(kLaterSyscalls, kLaterSyscallsBase, id, rows);
  AddWords(kOtherTypes, -1, id, rows);
  return rows;
}

constexpr EventTypeTable kEventTypes = MakeEventTypes();
static_assert(kTypeCount < kNoEventType);
static_assert(kEventTypes[322].name == "execveat" && kEventTypes[257].name == "openat");
static_assert(kEventTypes[kSyscallCount + 13].name == "openat2");

constexpr std::array<uint16_t, kTypeCount> SortIdsByName() {
  std::array<uint16_t, kTypeCount> ids{};
  for (uint16_t i = 0; i < kTypeCount; ++i) ids[i] = i;
  std::sort(ids.begin(), ids.end(),
            [](uint16_t a, uint16_t b) { return kEventTypes[a].name < kEventTypes[b].name; });
  return ids;
}

constexpr std::array<uint16_t, kTypeCount> kIdsByName = SortIdsByName();

// By kind: its type that is no system call; null for most.
constexpr auto kTypeWithoutNumber = [] {
  std::array<const EventTypeRow*, 64> rows{};
  for (const EventTypeRow& row : kEventTypes) {
    if (row.x86_64_nr < 0 && row.kind != Kind::none) rows[static_cast<size_t>(row.kind)] = &row;
  }
  return rows;
}();

}  // namespace

absl::Span<const KindRow> AllKinds() { return kKinds; }
absl::Span<const KindRow> KernelKinds() { return {kKinds, std::size(kKinds) - kAgentKinds}; }

const KindRow* FindKind(uint16_t id) { return id < kKindById.size() ? kKindById[id] : nullptr; }

const KindRow* FindKind(std::string_view stem) {
  const auto* row = std::find_if(std::begin(kKinds), std::end(kKinds),
                                 [stem](const KindRow& r) { return r.stem == stem; });
  return row == std::end(kKinds) ? nullptr : row;
}

absl::Span<const EventTypeRow> AllEventTypes() { return kEventTypes; }

const EventTypeRow* FindEventType(std::string_view name) {
  const auto* id = std::lower_bound(kIdsByName.begin(), kIdsByName.end(), name,
                                    [](uint16_t a, auto b) { return kEventTypes[a].name < b; });
  if (id == kIdsByName.end() || kEventTypes[*id].name != name) return nullptr;
  return &kEventTypes[*id];
}

// Rows with a number stand at the place that the number gives, so this is an array access.
const EventTypeRow* FindEventType(Kind kind, int x86_64_nr) {
  const EventTypeRow* row = nullptr;
  if (x86_64_nr >= 0 && x86_64_nr < static_cast<int>(kSyscallCount)) {
    row = &kEventTypes[x86_64_nr];
  } else if (x86_64_nr >= kLaterSyscallsBase &&
             x86_64_nr < kLaterSyscallsBase + static_cast<int>(kLaterCount)) {
    row = &kEventTypes[kSyscallCount + (x86_64_nr - kLaterSyscallsBase)];
  }
  const bool reports = row != nullptr && (row->kind == kind || row->failed == kind);
  return reports ? row : kTypeWithoutNumber[static_cast<size_t>(kind)];
}

}  // namespace vakt
