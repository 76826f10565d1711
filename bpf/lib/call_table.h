/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * System calls that are reported by what they were asked, at their exit: the result is known, the
 * argument registers are still in pt_regs (the kernel restores none of them before it returns to
 * user space), and the arguments' pages are present. A row of the table `calls` says what is read.
 */
#ifndef VAKT_BPF_CALL_TABLE_H
#define VAKT_BPF_CALL_TABLE_H

#include "bpf/lib/call.h"

/* Which of its calls are of interest; checked before anything is counted. */
#define CALL_ALL 0
#define CALL_FAILED 1 /* success is told by a better hook */
#define CALL_PRCTL 2  /* options that change something */
#define CALL_OTHER 4  /* acts on another process */
#define CALL_MEMORY 3 /* memory that becomes executable and is not a plain mapping of a file */

struct call_row {
  __u8 kind;
  __u8 wanted; /* CALL_* */
  __u8 text;   /* number of the argument, from 1, that is a string; 0: none */
  __u8 fd;     /* ... that is a descriptor; of process_act: ... that is a pid */
};

static const struct call_row calls[VAKT_SYSCALLS] = {
    [SYS_execve] = {KIND_process_exec_failed, CALL_FAILED, 1, 0},
    [SYS_execveat] = {KIND_process_exec_failed, CALL_FAILED, 2, 0},
    [SYS_ptrace] = {KIND_process_ptrace, CALL_ALL, 0, 2},
    [SYS_process_vm_readv] = {KIND_process_vm, CALL_ALL, 0, 1},
    [SYS_process_vm_writev] = {KIND_process_vm, CALL_ALL, 0, 1},
    [SYS_pidfd_getfd] = {KIND_process_descriptor, CALL_ALL, 0, 1},
    [SYS_prlimit64] = {KIND_process_limit, CALL_OTHER, 0, 1},
    [SYS_sched_setaffinity] = {KIND_process_limit, CALL_OTHER, 0, 1},
    [SYS_sched_setattr] = {KIND_process_limit, CALL_OTHER, 0, 1},
    [SYS_sched_setparam] = {KIND_process_limit, CALL_OTHER, 0, 1},
    [SYS_sched_setscheduler] = {KIND_process_limit, CALL_OTHER, 0, 1},
    [SYS_setsid] = {KIND_process_session, CALL_ALL, 0, 0},
    [SYS_setpgid] = {KIND_process_session, CALL_ALL, 0, 0},
    [SYS_prctl] = {KIND_process_prctl, CALL_PRCTL, 0, 0},
    [SYS_unshare] = {KIND_process_namespace, CALL_ALL, 0, 0},
    [SYS_setns] = {KIND_process_namespace, CALL_ALL, 0, 1},
    [SYS_seccomp] = {KIND_process_seccomp, CALL_ALL, 0, 0},
    [SYS_personality] = {KIND_process_personality, CALL_ALL, 0, 0},
    [SYS_memfd_create] = {KIND_memory_file, CALL_ALL, 1, 0},
    [SYS_memfd_secret] = {KIND_memory_file, CALL_ALL, 0, 0},
    [SYS_mmap] = {KIND_memory_protect, CALL_MEMORY, 0, 5},
    [SYS_mprotect] = {KIND_memory_protect, CALL_MEMORY, 0, 0},
    [SYS_pkey_mprotect] = {KIND_memory_protect, CALL_MEMORY, 0, 0},
    [SYS_init_module] = {KIND_kernel_module, CALL_FAILED, 3, 0},
    [SYS_finit_module] = {KIND_kernel_module, CALL_FAILED, 2, 1},
    [SYS_delete_module] = {KIND_kernel_module, CALL_FAILED, 1, 0},
    [SYS_bpf] = {KIND_kernel_bpf, CALL_ALL, 0, 0},
    [SYS_kexec_load] = {KIND_kernel_kexec, CALL_ALL, 0, 0},
    [SYS_kexec_file_load] = {KIND_kernel_kexec, CALL_ALL, 4, 1},
    [SYS_perf_event_open] = {KIND_kernel_perf, CALL_ALL, 0, 0},
    [SYS_add_key] = {KIND_kernel_key, CALL_ALL, 2, 0},
    [SYS_request_key] = {KIND_kernel_key, CALL_ALL, 2, 0},
    [SYS_keyctl] = {KIND_kernel_key, CALL_ALL, 0, 0},
    [SYS_io_uring_setup] = {KIND_kernel_io_uring, CALL_ALL, 0, 0},
    [SYS_userfaultfd] = {KIND_kernel_userfaultfd, CALL_ALL, 0, 0},
    [SYS_settimeofday] = {KIND_kernel_time, CALL_ALL, 0, 0},
    [SYS_clock_settime] = {KIND_kernel_time, CALL_ALL, 0, 0},
    [SYS_swapon] = {KIND_kernel_swap, CALL_ALL, 1, 0},
    [SYS_swapoff] = {KIND_kernel_swap, CALL_ALL, 1, 0},
    [SYS_reboot] = {KIND_kernel_reboot, CALL_ALL, 0, 0},
};

#define PR_SET_NAME 15
#define PR_SET_PTRACER 0x59616d61
/* By option number: SET_PDEATHSIG, SET_DUMPABLE, SET_KEEPCAPS, SET_NAME, SET_SECCOMP, CAPBSET_DROP,
 * SET_SECUREBITS, SET_MM, SET_CHILD_SUBREAPER, SET_NO_NEW_PRIVS, CAP_AMBIENT,
 * SET_SPECULATION_CTRL, SET_SYSCALL_USER_DISPATCH. */
#define PRCTL_OF_INTEREST                                                                        \
  (1ull << 1 | 1ull << 4 | 1ull << 8 | 1ull << PR_SET_NAME | 1ull << 22 | 1ull << 24 |           \
   1ull << 28 | 1ull << 35 | 1ull << 36 | 1ull << 38 | 1ull << 47 | 1ull << 53 | 1ull << 59)

#define PROT_WRITE 2
#define PROT_EXEC 4
#define MAP_ANONYMOUS 0x20

/* A file mapped executable and not writable is what every library is. mprotect(2) to executable is
 * rare: just-in-time compilers, and what becomes code after it was written. */
static __always_inline bool memory_of_interest(__u32 nr, struct pt_regs *regs) {
  if (!(regs->dx & PROT_EXEC)) return false;
  return nr != SYS_mmap || regs->dx & PROT_WRITE || regs->r10 & MAP_ANONYMOUS;
}

static __always_inline bool prctl_of_interest(__u64 option) {
  return option == PR_SET_PTRACER || (option < 64 && PRCTL_OF_INTEREST >> option & 1);
}

/* Every program looks at its own limits as it starts. */
static __always_inline bool acts_on_other(__u32 nr, struct pt_regs *regs) {
  struct task_struct *task = current_task();
  __u32 target = regs->di;
  if (!target || target == (__u32)task->pid || target == (__u32)task->tgid) return false;
  return nr != SYS_prlimit64 || regs->dx; /* without new limits it only asks */
}

/* The row of a call that is to be reported; null for others. */
static __always_inline const struct call_row *call_of_interest(__u32 nr, __s64 result,
                                                               struct pt_regs *regs) {
  const struct call_row *row = &calls[nr & (VAKT_SYSCALLS - 1)];
  switch (row->wanted) {
    case CALL_FAILED:
      return result < 0 ? row : 0;
    case CALL_PRCTL:
      return prctl_of_interest(regs->di) ? row : 0;
    case CALL_OTHER:
      return acts_on_other(nr, regs) ? row : 0;
    case CALL_MEMORY:
      return memory_of_interest(nr, regs) ? row : 0;
    default:
      return row;
  }
}

static __always_inline void read_call_args(__u64 *args, struct pt_regs *regs) {
  args[0] = regs->di;
  args[1] = regs->si;
  args[2] = regs->dx;
  args[3] = regs->r10;
  args[4] = regs->r8;
  args[5] = regs->r9;
}

/* Argument `number`, from 1. */
static __always_inline __u64 call_arg(const __u64 *args, __u8 number) {
  switch (number) {
    case 1:
      return args[0];
    case 2:
      return args[1];
    case 3:
      return args[2];
    case 4:
      return args[3];
    case 5:
      return args[4];
    default:
      return 0;
  }
}

#endif /* VAKT_BPF_CALL_TABLE_H */
