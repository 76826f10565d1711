// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/*
 * Opening files, tracepoint tier: the exit side of each open system call alone. At exit the kernel
 * object is known (descriptor, struct file, dentry), the argument registers are still in pt_regs,
 * and the argument's page is present. Enabling any system-call tracepoint puts every system call of
 * the machine on the slow path (~55 ns), so these are attached only when a rule asks for files.
 * Not seen here: 32-bit calls (compat calls have no such tracepoints) and io_uring.
 */
#include "bpf/lib/path_scan.h"

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

/* What the call was asked for: read once, so that filter and record see the same. */
struct open_call {
  const void *name;
  __u64 resolve;
  __u32 syscall_nr;
  __s32 dirfd;
  __u32 flags;
  __u32 create_mode;
};

/* Arguments of each call, by its registers (di, si, dx, r10). */
static __always_inline void read_open_call(struct open_call *c, __u32 syscall_nr,
                                           struct pt_regs *regs) {
  c->syscall_nr = syscall_nr;
  c->dirfd = AT_FDCWD;
  c->resolve = 0;
  switch (syscall_nr) {
    case SYS_open:
      c->name = (void *)regs->di;
      c->flags = regs->si;
      c->create_mode = regs->dx;
      return;
    case SYS_creat:
      c->name = (void *)regs->di;
      c->flags = O_CREAT_WRONLY_TRUNC;
      c->create_mode = regs->si;
      return;
    case SYS_openat2: {
      struct open_how_args how = {};
      bpf_probe_read_user(&how, sizeof(how), (void *)regs->dx);
      c->name = (void *)regs->si;
      c->dirfd = regs->di;
      c->flags = how.flags;
      c->create_mode = how.mode;
      c->resolve = how.resolve;
      return;
    }
    case SYS_open_by_handle_at: /* the second argument is a handle, not a path */
      c->name = 0;
      c->dirfd = regs->di;
      c->flags = regs->dx;
      c->create_mode = 0;
      return;
    default:
      c->name = (void *)regs->si;
      c->dirfd = regs->di;
      c->flags = regs->dx;
      c->create_mode = regs->r10;
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

/* Of an open that succeeded: what the file says. O_CREAT, O_EXCL and O_TRUNC it does not keep. */
static __always_inline __u32 opened_flags(const struct open_call *call, struct file *file) {
  return READ_MEMBER(file, f_flags) | (call->flags & 03300);
}

static __always_inline __u32 put_opened(struct scratch *s, __u32 end, struct vakt_file_open *r,
                                        const struct open_call *call, struct task_struct *task,
                                        struct file *file) {
  if (!file) return end; /* another thread closed it already: the raw argument is what is left */
  r->flags = opened_flags(call, file);
  read_file(&r->file, file);
  return put_file_path(s, end, &r->file, task, file);
}

/* True when no rule can match. The cheap facts come first: how it was opened, then its path. */
static __always_inline bool open_is_filtered(struct prefilter *filter, const struct open_call *call,
                                             __s64 result, struct file *file) {
  struct vakt_prefilter *tables = filter->tables;
  __u32 flags = call->flags, mode = 0;
  __u32 which = vakt_open_call(call->syscall_nr);
  if (!tables || which >= VAKT_OPEN_CALLS || (result >= 0 && !file)) return false;
  if (file) {
    struct inode *inode = READ_MEMBER(file, f_inode);
    flags = opened_flags(call, file);
    mode = READ_MEMBER(inode, i_mode);
  }
  __u32 outcome = vakt_open_outcome(result, mode);
  __u32 facet = vakt_open_facet(which, flags, call->create_mode, outcome);
  filter->classes &= tables->open_facets[facet & (VAKT_OPEN_FACETS - 1)];
  if (!filter->classes) return prefilter_rejects(filter);
  if (!file || (filter->classes & tables->open_any_path)) return false;
  __u64 hits = scan_path(&tables->open_path, (__u64)file);
  if (filter->classes & tables->open_raw_path & ~hits) {
    hits |= scan_raw_path(&tables->open_path, (__u64)call->name) & tables->open_raw_path;
  }
  filter->classes &= hits;
  return prefilter_rejects(filter);
}

static __always_inline int emit_file_open(struct trace_event_raw_sys_exit *ctx) {
  struct prefilter filter;
  long syscall_nr = ctx->id, result = ctx->ret;
  barrier_var(result); /* or it is read again through a moved pointer, which a context is not */
  if (!emit_candidate(KIND_file_open, &filter)) return 0;
  struct task_struct *task = current_task();
  struct pt_regs *regs = (void *)bpf_task_pt_regs(bpf_get_current_task_btf());
  struct file *file = result >= 0 ? read_fd(task, result) : 0;
  struct open_call call;
  read_open_call(&call, syscall_nr, regs);
  if (open_is_filtered(&filter, &call, result, file)) {
    emit_filtered(KIND_file_open);
    return 0;
  }
  struct vakt_header h;
  struct scratch *s = emit_scratch_begin(&h, KIND_file_open, LANE_file_open);
  if (!s) return 0;
  struct vakt_file_open *r = (void *)s->record;
  r->header = h;
  read_task(&r->task, task);
  __builtin_memset(&r->file, 0, sizeof(r->file));
  r->syscall_nr = call.syscall_nr;
  r->result = result;
  r->dirfd = call.dirfd;
  r->flags = call.flags;
  r->create_mode = call.create_mode;
  r->resolve = call.resolve;
  __u32 end = sizeof(*r);
  end = r->result >= 0 ? put_opened(s, end, r, &call, task, file) : put_base(s, end, r, task);
  end = put_user_str(s, end, &r->name_raw, call.name);
  emit_scratch_end(s, KIND_file_open, LANE_file_open, end);
  return 0;
}

/* One program for the exit of open, creat, openat, openat2 (5.6) and open_by_handle_at: the record
 * of each says which it was. The C library's open() is openat. */
SEC("tracepoint/syscalls/sys_exit_openat")
int file_open(struct trace_event_raw_sys_exit *ctx) {
  return emit_file_open(ctx);
}
