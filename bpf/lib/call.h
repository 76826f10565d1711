/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * A system call at its end: number, arguments, result, and the route that it came by. Work that
 * came by io_uring is described the same way, as the call that does the same.
 */
#ifndef VAKT_BPF_CALL_H
#define VAKT_BPF_CALL_H

#include "bpf/lib/put.h"
#include "bpf/lib/stack.h"
#include "bpf/lib/syscall_exit.h"
#include "bpf/lib/syscall_nr.h"

#define AT_FDCWD -100

struct call {
  __u64 arg[8]; /* 1 to 6, as user space counts them; arg[0] is 0 and stands for "has none" */
  __s64 result;
  __u32 nr; /* x86-64 number */
  __u32 abi;
  __u32 facts; /* VAKT_UNFINISHED */
  __u32 reserved;
};

static __always_inline struct pt_regs *task_regs(void) {
  return (void *)bpf_task_pt_regs(bpf_get_current_task_btf());
}

/* The number of the call that the current task is in, as its ABI has it, or VAKT_NO_SYSCALL in the
 * kernel's own threads: for hooks that are not told. x32 numbers are those of x86-64 with a mark. */
static __always_inline __u32 call_number(struct pt_regs *regs) {
  if (current_task()->flags & PF_KTHREAD) return VAKT_NO_SYSCALL;
  return regs->orig_ax & ~X32_SYSCALL_BIT;
}

/* The registers hold the arguments still: the kernel works on copies. */
static __always_inline void read_call(struct call *c, struct trace_event_raw_sys_exit *ctx) {
  struct pt_regs *regs = task_regs();
  c->arg[0] = 0;
  c->arg[1] = regs->di;
  c->arg[2] = regs->si;
  c->arg[3] = regs->dx;
  c->arg[4] = regs->r10;
  c->arg[5] = regs->r8;
  c->arg[6] = regs->r9;
  c->arg[7] = 0;
  c->result = ctx->ret;
  c->nr = ctx->id;
  c->abi = VAKT_ABI_X86_64;
  c->facts = 0;
}

/* SYSCALL_EXIT of a body that takes the whole call. */
#define CALL_EXIT(name, body)                                                      \
  static __always_inline int on_##name(struct trace_event_raw_sys_exit *ctx) {    \
    struct call c;                                                                 \
    read_call(&c, ctx);                                                            \
    return body(&c);                                                               \
  }                                                                                \
  SYSCALL_EXIT(name, on_##name)

static __always_inline __u32 user_u32(__u64 at) {
  __u32 value = 0;
  bpf_probe_read_user(&value, sizeof(value), (void *)at);
  return value;
}

static __always_inline __u64 user_u64(__u64 at) {
  __u64 value = 0;
  bpf_probe_read_user(&value, sizeof(value), (void *)at);
  return value;
}

/* A string argument as it is now: a claim. `*facts` gets `unreadable` when its memory is gone, which
 * no honest program makes happen during a call. */
static __always_inline __u32 put_claim(struct scratch *s, __u32 end, struct vakt_span *span,
                                       const void *from, __u32 *facts, __u32 unreadable) {
  span->offset = end;
  span->size = 0;
  if (!from || end >= VAKT_SCRATCH_OFFSET_MAX) return end;
  long size = bpf_probe_read_user_str(s->record + end, VAKT_PATH_MAX, from);
  if (size < 0) *facts |= unreadable;
  if (size <= 1 || size > VAKT_PATH_MAX) return end;
  span->size = size - 1;
  return end + size - 1;
}

/* True when the string that was put last starts from a directory that the kernel has to tell. */
static __always_inline bool is_relative(struct scratch *s, const struct vakt_span *span) {
  __u32 at = span->offset;
  if (!span->size) return false;
  asm volatile("" : "+r"(at)); /* the bound is for the value that was read, not for another read */
  return s->record[at & (VAKT_SCRATCH_OFFSET_MAX - 1)] != '/';
}

/* The directory that a relative name starts from. */
static __always_inline __u32 put_base(struct scratch *s, __u32 end, struct vakt_span *span,
                                      __u32 *status, struct task_struct *task, __s32 dirfd) {
  if (dirfd != AT_FDCWD) {
    struct file *dir = read_fd(task, dirfd);
    if (!dir) return end;
    return put_path(s, end, span, status, task, READ_MEMBER(dir, f_path.mnt),
                    READ_MEMBER(dir, f_path.dentry));
  }
  struct fs_struct *fs = task->fs;
  return put_path(s, end, span, status, task, READ_MEMBER(fs, pwd.mnt),
                  READ_MEMBER(fs, pwd.dentry));
}

#endif /* VAKT_BPF_CALL_H */
