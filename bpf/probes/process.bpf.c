// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/* Life of a process: fork, exec, exit. Scheduler tracepoints cost others nothing. */
#include "bpf/lib/call.h"
#include "bpf/lib/image.h"

#define I386_fork 2
#define I386_clone 120
#define I386_vfork 190

/* Which call made the child, and its flags: CLONE_VFORK and the like, and the namespaces that the
 * child has of its own. clone3's are in user memory, which the kernel has just read. */
static __always_inline void read_clone(struct vakt_process_fork *r, bool compat) {
  struct pt_regs *regs = task_regs();
  __u32 nr = call_number(regs);
  if (compat) {
    nr = nr == I386_fork    ? SYS_fork
         : nr == I386_vfork ? SYS_vfork
         : nr == I386_clone ? SYS_clone
                            : nr;
  }
  r->syscall_nr = nr;
  r->clone_flags = 0;
  r->reserved = 0;
  __u64 first = compat ? regs->bx : regs->di;
  if (nr == SYS_clone) r->clone_flags = first;
  if (nr == SYS_clone3) bpf_probe_read_user(&r->clone_flags, sizeof(__u64), (void *)first);
}

/* A thread of a process is no process: only new thread groups are reported. The child's cgroup path
 * is left out: it is the parent's, or the cgroup id differs and the exec that follows has it. */
static __always_inline int emit_process_fork(struct task_struct *parent,
                                             struct task_struct *child) {
  if (child->pid != child->tgid) return 0;
  if (!emit_wanted(KIND_process_fork)) return 0;
  struct vakt_header h;
  struct vakt_process_fork *r =
      emit_reserve(&h, KIND_process_fork, LANE_process_fork, sizeof(*r));
  if (!r) return 0;
  r->header = h;
  r->header.abi = read_abi(parent);
  read_task(&r->task, parent);
  read_task(&r->child, child);
  read_facts(&r->facts, child);
  read_clone(r, r->header.abi == VAKT_ABI_I386);
  prefilter_sign(&r->child);
  prefilter_told(&r->child);
  emit_submit(r, &h);
  return 0;
}

static __always_inline __u32 put_argv(struct scratch *s, __u32 end, struct vakt_process_exec *r,
                                      struct task_struct *task) {
  struct mm_struct *mm = task->mm;
  bool failed = false;
  if (!mm) return end;
  __u64 start = READ_MEMBER(mm, arg_start);
  __u64 size = READ_MEMBER(mm, arg_end) - start;
  if (size > VAKT_ARGV_MAX) r->flags |= VAKT_ARGV_TRUNCATED;
  end = put_user(s, end, &r->argv, (void *)start, size, &failed);
  if (failed && size) r->flags |= VAKT_ARGV_UNREADABLE;
  return end;
}

static __always_inline __u32 put_env(struct scratch *s, __u32 end, struct vakt_process_exec *r,
                                     struct task_struct *task) {
  struct vakt_control *c = control_block();
  struct mm_struct *mm = task->mm;
  bool failed;
  r->env.offset = 0;
  r->env.size = 0;
  if (!c || !c->capture_environment || !mm) return end;
  __u64 start = READ_MEMBER(mm, env_start);
  __u64 size = READ_MEMBER(mm, env_end) - start;
  if (size > VAKT_ENV_MAX) size = VAKT_ENV_MAX;
  return put_user(s, end, &r->env, (void *)start, size, &failed);
}

/* The registers do not tell: exec resets orig_ax (arch/x86 set_personality_64bit). An execveat from
 * the current directory or with an absolute path is the same act as an execve, and counts as one. */
static __always_inline __u32 exec_syscall(struct linux_binprm *bprm) {
  return READ_MEMBER(bprm, fdpath) ? SYS_execveat : SYS_execve;
}

/* Of a script: exec went round once more with the interpreter, under another name. */
static __always_inline __u32 put_interpreter(struct scratch *s, __u32 end,
                                             struct vakt_process_exec *r,
                                             struct linux_binprm *bprm) {
  const char *interp = READ_MEMBER(bprm, interp);
  r->interp.offset = 0;
  r->interp.size = 0;
  if (interp == READ_MEMBER(bprm, filename)) return end;
  return put_kernel_str(s, end, &r->interp, interp);
}

static __always_inline int emit_process_exec(struct task_struct *task, struct linux_binprm *bprm) {
  if (!emit_wanted(KIND_process_exec)) return 0;
  struct vakt_header h;
  struct scratch *s = emit_scratch_begin(&h, KIND_process_exec, LANE_process_exec);
  if (!s) return 0;
  struct vakt_process_exec *r = (void *)s->record;
  r->header = h;
  r->header.abi = read_abi(task);
  read_task(&r->task, task);
  read_facts(&r->facts, task);
  r->syscall_nr = exec_syscall(bprm);
  __u32 end = put_exec_caller(s, sizeof(*r), &r->task);
  end = put_image(s, end, task, &r->exe, &r->cwd, &r->cwd_status, &r->flags);
  end = put_argv(s, end, r, task);
  end = put_kernel_str(s, end, &r->filename, READ_MEMBER(bprm, filename));
  end = put_interpreter(s, end, r, bprm);
  end = put_cgroup_path(s, end, &r->facts.cgroup_path, task);
  end = put_env(s, end, r, task);
  emit_scratch_end(s, KIND_process_exec, LANE_process_exec, end);
  return 0;
}

/* Once per process: when the last thread of the group leaves (signal->live was decremented before
 * this tracepoint, kernel/exit.c do_exit). */
static __always_inline int emit_process_exit(struct task_struct *task) {
  if (task->signal->live.counter != 0) return 0;
  if (!emit_wanted(KIND_process_exit)) return 0;
  struct vakt_header h;
  struct vakt_process_exit *r =
      emit_reserve(&h, KIND_process_exit, LANE_process_exit, sizeof(*r));
  if (!r) return 0;
  r->header = h;
  read_task(&r->task, task);
  r->exit_code = task->exit_code;
  r->reserved = 0;
  emit_submit(r, &h);
  return 0;
}

/* kernel/fork.c kernel_clone: the child is complete and has not run. Every fork, any ABI. */
SEC("tp_btf/sched_process_fork")
int BPF_PROG(process_fork, struct task_struct *parent, struct task_struct *child) {
  return emit_process_fork(untrusted_task(parent), untrusted_task(child));
}

/* fs/exec.c begin_new_exec: the caller's memory is still there, and nothing can fail any more but by
 * ending the process (6.10). Each program start. */
SEC("tp_btf/sched_prepare_exec")
int BPF_PROG(process_exec_caller, struct task_struct *task, struct linux_binprm *bprm) {
  return keep_exec_caller();
}

/* fs/exec.c exec_binprm: the new program is in place, credentials are committed, one thread. */
SEC("tp_btf/sched_process_exec")
int BPF_PROG(process_exec, struct task_struct *task, pid_t old_pid, struct linux_binprm *bprm) {
  return emit_process_exec(untrusted_task(task), bprm);
}

/* kernel/exit.c do_exit: memory and files are already gone, identity is not. */
SEC("tp_btf/sched_process_exit")
int BPF_PROG(process_exit, struct task_struct *task) {
  return emit_process_exit(untrusted_task(task));
}
