// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/*
 * Opening files: the exit side of each open system call alone. At exit the kernel object is known
 * (descriptor, struct file, dentry), the argument registers are still in pt_regs, and the argument's
 * page is present. In the tracepoint tier any hook on a system call puts every system call of the
 * machine on the slow path (~55 ns), so these are attached only when a rule asks for files.
 * Opens by io_uring: io_uring.bpf.c. Not seen: 32-bit calls (compat calls have no tracepoints).
 */
#include "bpf/lib/call.h"
#include "bpf/lib/open_argument.h"

#define O_CREAT_WRONLY_TRUNC 01101 /* what creat(2) means */
#define FMODE_CREATED 0x100000     /* include/linux/fs.h, since 4.19 */

struct open_how_args {
  __u64 flags;
  __u64 mode;
  __u64 resolve;
};

/* What the call was asked for: read once, so that filter and record see the same. */
struct open_args {
  const void *name;
  __u64 resolve;
  __s32 dirfd;
  __u32 flags;
  __u32 create_mode;
};

static __always_inline void read_open_how(struct open_args *a, const struct call *c) {
  struct open_how_args how = {};
  if (c->abi == VAKT_ABI_IO_URING) {
    how.flags = c->arg[3];
    how.mode = c->arg[4];
    how.resolve = c->arg[5];
  } else {
    bpf_probe_read_user(&how, sizeof(how), (void *)c->arg[3]);
  }
  a->flags = how.flags;
  a->create_mode = how.mode;
  a->resolve = how.resolve;
}

static __always_inline void read_open_args(struct open_args *a, const struct call *c) {
  a->dirfd = AT_FDCWD;
  a->resolve = 0;
  a->create_mode = 0;
  switch (c->nr) {
    case SYS_open:
      a->name = (void *)c->arg[1];
      a->flags = c->arg[2];
      a->create_mode = c->arg[3];
      return;
    case SYS_creat:
      a->name = (void *)c->arg[1];
      a->flags = O_CREAT_WRONLY_TRUNC;
      a->create_mode = c->arg[2];
      return;
    case SYS_openat2:
      a->dirfd = c->arg[1];
      a->name = (void *)c->arg[2];
      read_open_how(a, c);
      return;
    case SYS_open_by_handle_at: /* the second argument is a handle, not a path */
      a->dirfd = c->arg[1];
      a->name = 0;
      a->flags = c->arg[3];
      return;
    default:
      a->dirfd = c->arg[1];
      a->name = (void *)c->arg[2];
      a->flags = c->arg[3];
      a->create_mode = c->arg[4];
  }
}

/* Of an open that succeeded: what the file says. O_CREAT, O_EXCL and O_TRUNC it does not keep. */
static __always_inline __u32 opened_flags(const struct open_args *args, struct file *file) {
  return READ_MEMBER(file, f_flags) | (args->flags & 03300);
}

static __always_inline __u32 put_opened(struct scratch *s, __u32 end, struct vakt_file_open *r,
                                        const struct open_args *args, struct task_struct *task,
                                        struct file *file) {
  r->flags = opened_flags(args, file);
  if (READ_MEMBER(file, f_mode) & FMODE_CREATED) r->facts |= VAKT_OPEN_CREATED;
  read_file(&r->file, file);
  return put_file_path(s, end, &r->file, task, file);
}

/* True when no rule can match. The cheap facts come first: how it was opened, then its path. */
static __always_inline bool open_is_filtered(struct prefilter *filter, const struct call *c,
                                             const struct open_args *args, struct file *file) {
  struct vakt_prefilter *tables = filter->tables;
  __u32 flags = args->flags, mode = 0;
  __u32 which = vakt_open_call(c->nr);
  if (!tables || which >= VAKT_OPEN_CALLS || (c->result >= 0 && !file)) return false;
  if (file) {
    struct inode *inode = READ_MEMBER(file, f_inode);
    flags = opened_flags(args, file);
    mode = READ_MEMBER(inode, i_mode);
  }
  __u32 outcome = vakt_open_outcome(c->result, mode);
  __u32 facet = vakt_open_facet(which, flags, args->create_mode, outcome);
  asm volatile("" : "+r"(facet)); /* the mask below is not the compiler's to drop: 6.1 needs it */
  filter->classes &= tables->open_facets[facet & (VAKT_OPEN_FACETS - 1)];
  if (!filter->classes) return prefilter_rejects(filter);
  __u64 misnamed = tables->open_misnamed, any = tables->open_any_path;
  if (!file || (filter->classes & any & ~misnamed)) return false;
  __u64 hits = any | classes_of_path(tables, file);
  filter->classes &= hits | tables->open_raw_path;
  if (filter->classes & hits & ~misnamed) return false;
  if (filter->classes) {
    __u64 named = c->abi == VAKT_ABI_IO_URING ? 0 : (__u64)file; /* its names are not compared */
    filter->classes = classes_of_argument(tables, named, (__u64)args->name, filter->classes, hits);
  }
  return prefilter_rejects(filter);
}

/* An open that was counted as a candidate. `file`: what was opened; null when the call failed, or
 * another thread has closed it already: then the raw argument is what is left. */
static __always_inline int emit_file_open(const struct call *c, struct prefilter *filter,
                                          struct task_struct *task, struct file *file) {
  struct open_args args;
  read_open_args(&args, c);
  if (open_is_filtered(filter, c, &args, file)) {
    emit_filtered(KIND_file_open);
    return 0;
  }
  struct vakt_header h;
  struct scratch *s = emit_scratch_begin(&h, KIND_file_open, LANE_file_open);
  if (!s) return 0;
  struct vakt_file_open *r = (void *)s->record;
  r->header = h;
  r->header.abi = c->abi;
  read_task(&r->task, task);
  __builtin_memset(&r->file, 0, sizeof(r->file));
  r->syscall_nr = c->nr;
  r->result = c->result;
  r->facts = c->facts;
  r->dirfd = args.dirfd;
  r->flags = args.flags;
  r->create_mode = args.create_mode;
  r->resolve = args.resolve;
  __u32 end = put_claim(s, sizeof(*r), &r->name_raw, args.name, &r->facts, VAKT_NAME_UNREADABLE);
  if (file)
    end = put_opened(s, end, r, &args, task, file);
  else if (is_relative(s, &r->name_raw))
    end = put_base(s, end, &r->file.path, &r->file.path_status, task, r->dirfd);
  emit_scratch_end(s, KIND_file_open, LANE_file_open, end);
  return 0;
}

static __always_inline int emit_opened_by_call(struct trace_event_raw_sys_exit *ctx) {
  struct prefilter filter;
  if (!emit_candidate(KIND_file_open, &filter)) return 0;
  struct task_struct *task = current_task();
  struct call c;
  read_call(&c, ctx);
  return emit_file_open(&c, &filter, task, c.result >= 0 ? read_fd(task, c.result) : 0);
}

/* One program for the exit of open, creat, openat, openat2 (5.6) and open_by_handle_at: the record
 * of each says which it was. The C library's open() is openat. */
SYSCALL_EXIT(file_open, emit_opened_by_call)
