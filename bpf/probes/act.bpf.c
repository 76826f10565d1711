// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/*
 * What processes do to each other and to their own credentials. Signals, renames and cgroup moves
 * have tracepoints that cost others nothing; tracing, foreign memory and credentials are told by the
 * exit of their system calls.
 */
#include "bpf/lib/call_table.h"

#define SI_USER 0
#define SI_QUEUE -1
#define SI_TKILL -6
/* Signals that neither end nor stop a process by default: SIGCHLD, SIGCONT, SIGURG, SIGWINCH. */
#define HARMLESS_SIGNALS (1u << 17 | 1u << 18 | 1u << 23 | 1u << 28)
#define I386_execve 11
#define I386_execveat 358
#define X32_execve 520
#define X32_execveat 545

/* Since 6.2 and 6.14. The second takes a number of the current task's pid namespace. */
extern struct task_struct *bpf_task_from_pid(__s32 pid) __ksym __weak;
extern struct task_struct *bpf_task_from_vpid(__s32 pid) __ksym __weak;
extern void bpf_task_release(struct task_struct *task) __ksym __weak;

/* `number`, as the current task means it. The rest stays zero where the kernel has no way to find a
 * task by number: the agent then looks the number up in its own table. */
static __always_inline void read_task_of_pid(struct vakt_task *out, __s32 number) {
  bool global = read_pid_ns(current_task()) == INIT_PID_NS;
  struct task_struct *task = 0;
  if (global) out->pid = number;
  if (bpf_task_from_vpid)
    task = bpf_task_from_vpid(number);
  else if (bpf_task_from_pid && global)
    task = bpf_task_from_pid(number);
  if (!task) return;
  read_task(out, untrusted_task(task));
  bpf_task_release(task);
}

/* The process behind a pidfd: the file keeps its struct pid itself before 6.9, its inode since. */
static __always_inline void read_task_of_pidfd(struct vakt_task *out, __u32 fd) {
  struct file *file = read_fd(current_task(), fd);
  if (!file) return;
  struct pid *pid = READ_MEMBER(file, private_data);
  struct inode *inode = READ_MEMBER(file, f_inode);
  if (!pid) pid = READ_MEMBER(inode, i_private);
  if (!pid) return;
  __s32 number = BPF_CORE_READ(pid, numbers[0].nr);
  out->pid = number;
  struct task_struct *task = bpf_task_from_pid ? bpf_task_from_pid(number) : 0;
  if (!task) return;
  read_task(out, untrusted_task(task));
  bpf_task_release(task);
}

/* A record whose target and arguments are still to be filled in; null when none is wanted. */
static __always_inline struct scratch *begin_act(__u32 kind, __u32 nr, __s64 result) {
  if (!emit_wanted(kind)) return 0;
  struct vakt_header h;
  struct scratch *s = emit_scratch_begin(&h, kind, VAKT_LANE_CRITICAL);
  if (!s) return 0;
  struct vakt_process_act *r = (void *)s->record;
  struct task_struct *task = current_task();
  r->header = h;
  r->header.abi = read_abi(task);
  read_task(&r->task, task);
  __builtin_memset(&r->target, 0, sizeof(r->target));
  __builtin_memset(&r->args, 0, sizeof(r->args));
  r->result = result;
  r->text.offset = 0;
  r->text.size = 0;
  r->syscall_nr = nr;
  return s;
}

static __always_inline int emit_act_call(struct trace_event_raw_sys_exit *ctx) {
  struct pt_regs *regs = task_regs();
  __u32 nr = ctx->id; /* an int: what lies behind it is not set */
  const struct call_row *row = call_of_interest(nr, ctx->ret, regs);
  if (!row) return 0;
  __u32 kind = row->kind & (VAKT_KIND_MAX - 1);
  struct scratch *s = begin_act(kind, nr, ctx->ret);
  if (!s) return 0;
  struct vakt_process_act *r = (void *)s->record;
  read_call_args(r->args, regs);
  if (nr == SYS_prlimit64) { /* args[2], [3]: the new limits */
    __u64 limit = r->args[2];
    r->args[2] = user_u64(limit);
    r->args[3] = user_u64(limit + 8);
  }
  __u64 number = call_arg(r->args, row->fd);
  if (kind != KIND_process_descriptor)
    read_task_of_pid(&r->target, number);
  else if (r->result >= 0) /* else the descriptor may be anything */
    read_task_of_pidfd(&r->target, number);
  __u32 end = put_caller(s, sizeof(*r), &r->task, kind);
  emit_scratch_end(s, kind, VAKT_LANE_CRITICAL, end);
  return 0;
}

static __always_inline bool sent_by_process(void *info) {
  if ((__u64)info <= 1) return false; /* SEND_SIG_NOINFO, SEND_SIG_PRIV: the kernel's own */
  __s32 code = BPF_CORE_READ((struct kernel_siginfo *)info, si_code);
  return code == SI_USER || code == SI_QUEUE || code == SI_TKILL;
}

/* args: signal, outcome (TRACE_SIGNAL_*: 0 delivered, 1 ignored, 2 pending already, 3 and 4 lost). */
static __always_inline int emit_process_signal(__u32 signal, void *info, struct task_struct *target,
                                               int outcome) {
  if (signal >= 32 || HARMLESS_SIGNALS >> signal & 1) return 0;
  if (current_task()->tgid == target->tgid || !sent_by_process(info)) return 0;
  struct scratch *s = begin_act(KIND_process_signal, call_number(task_regs()), 0);
  if (!s) return 0;
  struct vakt_process_act *r = (void *)s->record;
  read_task(&r->target, target);
  r->args[0] = signal;
  r->args[1] = outcome;
  emit_scratch_end(s, KIND_process_signal, VAKT_LANE_CRITICAL, sizeof(*r));
  return 0;
}

/* An exec renames too, which process_exec tells; kernel threads have their names from the kernel. */
static __always_inline int emit_process_rename(struct task_struct *target, const char *name) {
  struct task_struct *task = current_task();
  __u32 nr = call_number(task_regs());
  bool compat = read_abi(task) == VAKT_ABI_I386;
  if (nr == VAKT_NO_SYSCALL || target->flags & PF_KTHREAD) return 0;
  if (nr == (compat ? I386_execve : SYS_execve) || nr == (compat ? I386_execveat : SYS_execveat) ||
      nr == X32_execve || nr == X32_execveat)
    return 0;
  struct scratch *s = begin_act(KIND_process_rename, nr, 0);
  if (!s) return 0;
  struct vakt_process_act *r = (void *)s->record;
  read_task(&r->target, target);
  __u32 end = put_kernel_str(s, sizeof(*r), &r->text, name);
  emit_scratch_end(s, KIND_process_rename, VAKT_LANE_CRITICAL, end);
  return 0;
}

/* The unified hierarchy alone. args[0]: 1 when the whole process moved, 0 for one thread. */
static __always_inline int emit_process_cgroup(struct cgroup *to, struct task_struct *target,
                                               bool whole) {
  if (target->cgroups->dfl_cgrp != to) return 0;
  struct scratch *s = begin_act(KIND_process_cgroup, call_number(task_regs()), 0);
  if (!s) return 0;
  struct vakt_process_act *r = (void *)s->record;
  read_task(&r->target, target);
  r->args[0] = whole;
  __u32 end = put_cgroup_path(s, sizeof(*r), &r->text, target);
  emit_scratch_end(s, KIND_process_cgroup, VAKT_LANE_CRITICAL, end);
  return 0;
}

static __always_inline void read_credentials(struct vakt_credentials *out,
                                             struct task_struct *task) {
  const struct cred *cred = task->cred;
  out->cap_effective = READ_CAPABILITIES(cred, cap_effective);
  out->cap_permitted = READ_CAPABILITIES(cred, cap_permitted);
  out->cap_inheritable = READ_CAPABILITIES(cred, cap_inheritable);
  out->cap_bounding = READ_CAPABILITIES(cred, cap_bset);
  out->cap_ambient = READ_CAPABILITIES(cred, cap_ambient);
  out->uid = cred->uid.val;
  out->gid = cred->gid.val;
  out->euid = cred->euid.val;
  out->egid = cred->egid.val;
  out->suid = cred->suid.val;
  out->sgid = cred->sgid.val;
  out->fsuid = cred->fsuid.val;
  out->fsgid = cred->fsgid.val;
}

static __always_inline int emit_process_credentials(struct trace_event_raw_sys_exit *ctx) {
  if (!emit_wanted(KIND_process_credentials)) return 0;
  struct vakt_header h;
  struct scratch *s = emit_scratch_begin(&h, KIND_process_credentials, LANE_process_credentials);
  if (!s) return 0;
  struct vakt_process_credentials *r = (void *)s->record;
  struct task_struct *task = current_task();
  r->header = h;
  read_task(&r->task, task);
  read_call_args(r->args, task_regs());
  read_credentials(&r->credentials, task);
  r->result = ctx->ret;
  r->syscall_nr = ctx->id;
  r->reserved = 0;
  __u32 end = put_caller(s, sizeof(*r), &r->task, KIND_process_credentials);
  emit_scratch_end(s, KIND_process_credentials, LANE_process_credentials, end);
  return 0;
}

/* ptrace, process_vm_readv, process_vm_writev, pidfd_getfd (5.6): kernel/ptrace.c, mm/process_vm_
 * access.c, kernel/pid.c. Debuggers and their like alone. */
SYSCALL_EXIT(process_act, emit_act_call)

/* The set*id calls, setgroups and capset: at a session's start and in privilege changes. */
SYSCALL_EXIT(process_credentials, emit_process_credentials)

/* kernel/signal.c __send_signal_locked: every signal, whoever sends it. */
SEC("tp_btf/signal_generate")
int BPF_PROG(process_signal, int signal, void *info, struct task_struct *task, int group,
             int outcome) {
  return emit_process_signal(signal, info, untrusted_task(task), outcome);
}

/* fs/exec.c __set_task_comm: exec, prctl(PR_SET_NAME), a write to /proc/PID/comm. */
SEC("tp_btf/task_rename")
int BPF_PROG(process_rename, struct task_struct *task, const char *name) {
  return emit_process_rename(untrusted_task(task), name);
}

/* kernel/cgroup/cgroup.c cgroup_attach_task: the task is in its new cgroup. Each hierarchy. */
SEC("tp_btf/cgroup_attach_task")
int BPF_PROG(process_cgroup, struct cgroup *to, const char *path, struct task_struct *task,
             bool whole) {
  return emit_process_cgroup(to, untrusted_task(task), whole);
}
