// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/*
 * Opening files, tracepoint tier: the exit side of each open system call alone. At exit the kernel
 * object is known (descriptor, struct file, dentry), the argument registers are still in pt_regs,
 * and the argument's page is present. Enabling any system-call tracepoint puts every system call of
 * the machine on the slow path (~55 ns), so these are attached only when a rule asks for files.
 * Not seen here: 32-bit calls (compat calls have no such tracepoints) and io_uring.
 */
#include "bpf/lib/put.h"

#define AT_FDCWD -100
#define SYS_open 2
#define SYS_creat 85
#define SYS_openat 257
#define SYS_open_by_handle_at 304
#define SYS_openat2 437
#define O_CREAT_WRONLY_TRUNC 01101 /* what creat(2) means */

struct open_how_args {
  __u64 flags;
  __u64 mode;
  __u64 resolve;
};

/* Arguments of each call, by its registers (di, si, dx, r10). */
static __always_inline const void *read_open_args(struct vakt_file_open *r, struct pt_regs *regs) {
  r->dirfd = AT_FDCWD;
  r->resolve = 0;
  switch (r->syscall_nr) {
    case SYS_open:
      r->flags = regs->si;
      r->create_mode = regs->dx;
      return (void *)regs->di;
    case SYS_creat:
      r->flags = O_CREAT_WRONLY_TRUNC;
      r->create_mode = regs->si;
      return (void *)regs->di;
    case SYS_openat2: {
      struct open_how_args how = {};
      bpf_probe_read_user(&how, sizeof(how), (void *)regs->dx);
      r->dirfd = regs->di;
      r->flags = how.flags;
      r->create_mode = how.mode;
      r->resolve = how.resolve;
      return (void *)regs->si;
    }
    case SYS_open_by_handle_at: /* the second argument is a handle, not a path */
      r->dirfd = regs->di;
      r->flags = regs->dx;
      r->create_mode = 0;
      return 0;
    default:
      r->dirfd = regs->di;
      r->flags = regs->dx;
      r->create_mode = regs->r10;
      return (void *)regs->si;
  }
}

/* Of an open that failed: where a relative path would have started. */
static __always_inline __u32 put_base(struct scratch *s, __u32 end, struct vakt_file_open *r,
                                      struct task_struct *task) {
  struct fs_struct *fs = task->fs;
  if (r->dirfd != AT_FDCWD) {
    struct file *dir = read_fd(task, r->dirfd);
    return dir ? put_file_path(s, end, &r->file, task, dir) : end;
  }
  return put_path(s, end, &r->file.path, &r->file.path_status, task, READ_MEMBER(fs, pwd.mnt),
                  READ_MEMBER(fs, pwd.dentry));
}

static __always_inline __u32 put_opened(struct scratch *s, __u32 end, struct vakt_file_open *r,
                                        struct task_struct *task) {
  struct file *file = read_fd(task, r->result);
  if (!file) return end; /* another thread closed it already: the raw argument is what is left */
  r->flags = READ_MEMBER(file, f_flags) | (r->flags & 03300); /* O_CREAT|O_EXCL|O_TRUNC are not kept */
  read_file(&r->file, file);
  return put_file_path(s, end, &r->file, task, file);
}

static __always_inline int emit_file_open(struct trace_event_raw_sys_exit *ctx) {
  if (!emit_wanted(KIND_file_open)) return 0;
  struct task_struct *task = current_task();
  struct pt_regs *regs = (void *)bpf_task_pt_regs(bpf_get_current_task_btf());
  struct vakt_header h;
  struct scratch *s = emit_scratch_begin(&h, KIND_file_open, LANE_file_open);
  if (!s) return 0;
  struct vakt_file_open *r = (void *)s->record;
  r->header = h;
  read_task(&r->task, task);
  __builtin_memset(&r->file, 0, sizeof(r->file));
  r->syscall_nr = ctx->id;
  r->result = ctx->ret;
  const void *name = read_open_args(r, regs);
  __u32 end = sizeof(*r);
  end = r->result >= 0 ? put_opened(s, end, r, task) : put_base(s, end, r, task);
  end = put_user_str(s, end, &r->name_raw, name);
  emit_scratch_end(s, KIND_file_open, LANE_file_open, end);
  return 0;
}

/* One program for the exit of open, creat, openat, openat2 (5.6) and open_by_handle_at: the record
 * of each says which it was. The C library's open() is openat. */
SEC("tracepoint/syscalls/sys_exit_openat")
int file_open(struct trace_event_raw_sys_exit *ctx) {
  return emit_file_open(ctx);
}
