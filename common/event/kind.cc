// SPDX-License-Identifier: Apache-2.0
#include "common/event/kind.h"

#include <algorithm>
#include <cstddef>

namespace vakt {
namespace {

constexpr KindRow kKinds[] = {
#define VAKT_EVENT(stem, id, lane, text) {Kind::stem, #stem, Lane::lane, text},
#include "bpf/wire/events.def"
#undef VAKT_EVENT
};

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
// spellings, and calls that only the 32-bit ABI has.
constexpr std::string_view kOtherTypes =
    "procexit switch page_fault signaldeliver procinfo cpu_hotplug container drop notification "
    "infra useradded userdeleted groupadded groupdeleted asyncevent pluginevent syscall umount "
    "pread pwrite send recv socketcall sigreturn sigaction waitpid nice _llseek _newselect "
    "mmap2 stat64 lstat64 fstat64 fcntl64 truncate64 ftruncate64 getuid32 setuid32 getgid32 "
    "setgid32 setresuid32 setresgid32 setreuid32 setregid32 chown32 fchown32 lchown32 "
    "ugetrlimit readdir signal stime oldstat oldlstat oldfstat";

// What our probes report, and Falco's category of it. Everything else is known by name alone.
struct ReportedType {
  std::string_view type;
  Kind kind;
  std::string_view category;
};
constexpr ReportedType kReportedTypes[] = {
    // fork, vfork and clone3 too: the hook is behind all of them
    {"clone", Kind::process_fork, "process"},
    {"execve", Kind::process_exec, "process"},
    {"execveat", Kind::process_exec, "process"},
    {"procexit", Kind::process_exit, "process"},
    {"open", Kind::file_open, "file"},
    {"creat", Kind::file_open, "file"},
    {"openat", Kind::file_open, "file"},
    {"openat2", Kind::file_open, "file"},
    {"open_by_handle_at", Kind::file_open, "file"},
    {"connect", Kind::network_connect, "net"},
    {"accept", Kind::network_accept, "net"},
    {"accept4", Kind::network_accept, "net"},
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
    rows[id] = {name, id, nr, reported.kind, reported.category};
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

}  // namespace

absl::Span<const KindRow> AllKinds() { return kKinds; }

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
  if (x86_64_nr < 0) {
    if (kind == Kind::process_exit) row = FindEventType("procexit");
  } else if (x86_64_nr < static_cast<int>(kSyscallCount)) {
    row = &kEventTypes[x86_64_nr];
  } else if (x86_64_nr >= kLaterSyscallsBase &&
             x86_64_nr < kLaterSyscallsBase + static_cast<int>(kLaterCount)) {
    row = &kEventTypes[kSyscallCount + (x86_64_nr - kLaterSyscallsBase)];
  }
  return row != nullptr && row->kind == kind ? row : nullptr;
}

}  // namespace vakt
