// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/*
 * Changes of names, attributes and mounts, tracepoint tier: one program for the exit of all these
 * calls, driven by the table below. What a call has a descriptor for is read from the kernel's object.
 * A name is a claim: the directory that a relative one starts from is the kernel's, the rest is the
 * argument as it is at the exit. The calls are rare; what costs is that any system-call tracepoint
 * slows all system calls (~55 ns), so they are attached only for rules that ask.
 * Not seen here: 32-bit calls (compat calls have no such tracepoints).
 */
#include "bpf/lib/call.h"

/* Which argument is what: 0 for none. */
struct change_call {
  __u8 kind;
  __u8 lane;
  __u8 fd;    /* the object itself */
  __u8 dirfd; /* of `name`; none: the working directory */
  __u8 name;
  __u8 other_dirfd;
  __u8 other;
  __u8 text; /* what is no path: a link's target, an attribute's name, a file system type */
  __u8 flags;
  __u8 mode;
  __u8 uid;
  __u8 gid;
  __u8 number; /* a size or a device */
};

#define CALL(stem, ...) {.kind = KIND_##stem, .lane = LANE_##stem, __VA_ARGS__}

/* By x86-64 number (arch/x86/entry/syscalls/syscall_64.tbl). */
static const struct change_call change_calls[] = {
    /* truncate   */ [76] = CALL(file_truncate, .name = 1, .number = 2),
    /* ftruncate  */ [77] = CALL(file_truncate, .fd = 1, .number = 2),
    /* rename     */ [82] = CALL(file_rename, .name = 1, .other = 2),
    /* mkdir      */ [83] = CALL(file_mkdir, .name = 1, .mode = 2),
    /* rmdir      */ [84] = CALL(file_unlink, .name = 1),
    /* link       */ [86] = CALL(file_link, .name = 1, .other = 2),
    /* unlink     */ [87] = CALL(file_unlink, .name = 1),
    /* symlink    */ [88] = CALL(file_symlink, .text = 1, .name = 2),
    /* chmod      */ [90] = CALL(file_chmod, .name = 1, .mode = 2),
    /* fchmod     */ [91] = CALL(file_chmod, .fd = 1, .mode = 2),
    /* chown      */ [92] = CALL(file_chown, .name = 1, .uid = 2, .gid = 3),
    /* fchown     */ [93] = CALL(file_chown, .fd = 1, .uid = 2, .gid = 3),
    /* lchown     */ [94] = CALL(file_chown, .name = 1, .uid = 2, .gid = 3),
    /* mknod      */ [133] = CALL(file_mknod, .name = 1, .mode = 2, .number = 3),
    /* pivot_root */ [155] = CALL(file_chroot, .name = 1, .other = 2),
    /* chroot     */ [SYS_chroot] = CALL(file_chroot, .name = 1),
    /* mount      */ [165] = CALL(file_mount, .other = 1, .name = 2, .text = 3, .flags = 4),
    /* umount2    */ [166] = CALL(file_umount, .name = 1, .flags = 2),
    /* setxattr   */ [188] = CALL(file_setxattr, .name = 1, .text = 2, .number = 4, .flags = 5),
    /* lsetxattr  */ [189] = CALL(file_setxattr, .name = 1, .text = 2, .number = 4, .flags = 5),
    /* fsetxattr  */ [190] = CALL(file_setxattr, .fd = 1, .text = 2, .number = 4, .flags = 5),
    /* removexattr  */ [197] = CALL(file_setxattr, .name = 1, .text = 2),
    /* lremovexattr */ [198] = CALL(file_setxattr, .name = 1, .text = 2),
    /* fremovexattr */ [199] = CALL(file_setxattr, .fd = 1, .text = 2),
    /* mkdirat    */ [258] = CALL(file_mkdir, .dirfd = 1, .name = 2, .mode = 3),
    /* mknodat    */ [259] = CALL(file_mknod, .dirfd = 1, .name = 2, .mode = 3, .number = 4),
    /* fchownat   */ [260] = CALL(file_chown, .dirfd = 1, .name = 2, .uid = 3, .gid = 4, .flags = 5),
    /* unlinkat   */ [263] = CALL(file_unlink, .dirfd = 1, .name = 2, .flags = 3),
    /* renameat   */ [264] = CALL(file_rename, .dirfd = 1, .name = 2, .other_dirfd = 3, .other = 4),
    /* linkat     */ [265] = CALL(file_link, .dirfd = 1, .name = 2, .other_dirfd = 3, .other = 4,
                                  .flags = 5),
    /* symlinkat  */ [266] = CALL(file_symlink, .text = 1, .dirfd = 2, .name = 3),
    /* fchmodat   */ [268] = CALL(file_chmod, .dirfd = 1, .name = 2, .mode = 3),
    /* renameat2  */ [316] = CALL(file_rename, .dirfd = 1, .name = 2, .other_dirfd = 3, .other = 4,
                                  .flags = 5),
    /* open_tree  */ [428] = CALL(file_mount, .dirfd = 1, .name = 2, .flags = 3),
    /* move_mount */ [429] = CALL(file_mount, .other_dirfd = 1, .other = 2, .dirfd = 3, .name = 4,
                                  .flags = 5),
    /* fsopen     */ [430] = CALL(file_mount, .text = 1, .flags = 2),
    /* fsmount    */ [432] = CALL(file_mount, .fd = 1, .flags = 2, .mode = 3),
    /* mount_setattr */ [442] = CALL(file_mount, .dirfd = 1, .name = 2, .flags = 3),
    /* fchmodat2  */ [452] = CALL(file_chmod, .dirfd = 1, .name = 2, .mode = 3, .flags = 4),
    /* setxattrat */ [463] = CALL(file_setxattr, .dirfd = 1, .name = 2, .flags = 3, .text = 4),
    /* removexattrat  */ [466] = CALL(file_setxattr, .dirfd = 1, .name = 2, .flags = 3, .text = 4),
    /* open_tree_attr */ [467] = CALL(file_mount, .dirfd = 1, .name = 2, .flags = 3),
};
#define CHANGE_CALLS (sizeof(change_calls) / sizeof(change_calls[0]))

static __always_inline __u64 arg_of(const struct call *c, __u8 which) { return c->arg[which & 7]; }

/* After chroot(2) the new root is what the argument named, whatever the argument says now. */
static __always_inline __u32 put_new_root(struct scratch *s, __u32 end,
                                          struct vakt_file_change *r, struct task_struct *task) {
  struct fs_struct *fs = task->fs;
  struct dentry *root = READ_MEMBER(fs, root.dentry);
  read_inode(&r->file, READ_MEMBER(root, d_inode));
  return put_outer_path(s, end, &r->file.path, &r->file.path_status, READ_MEMBER(fs, root.mnt),
                        root);
}

/* The object where the call has a descriptor of it (also: an empty name below one), else the
 * directory that a relative name starts from. */
static __always_inline __u32 put_object(struct scratch *s, __u32 end, struct vakt_file_change *r,
                                        struct task_struct *task, bool has_fd, bool new_root) {
  __s32 fd = r->fd;
  if (new_root) return put_new_root(s, end, r, task);
  if (!has_fd && !r->name_raw.size && !(r->facts & VAKT_NAME_UNREADABLE)) {
    has_fd = true;
    fd = r->dirfd;
  }
  if (has_fd) {
    struct file *file = fd >= 0 ? read_fd(task, fd) : 0;
    if (!file) return end;
    read_file(&r->file, file);
    return put_file_path(s, end, &r->file, task, file);
  }
  if (!is_relative(s, &r->name_raw)) return end;
  return put_base(s, end, &r->file.path, &r->file.path_status, task, r->dirfd);
}

static __always_inline void read_change_args(struct vakt_file_change *r, const struct call *c,
                                             const struct change_call *row) {
  r->syscall_nr = c->nr;
  r->result = c->result;
  r->fd = row->fd ? (__s32)arg_of(c, row->fd) : -1;
  r->dirfd = row->dirfd ? (__s32)arg_of(c, row->dirfd) : AT_FDCWD;
  r->other_dirfd = row->other_dirfd ? (__s32)arg_of(c, row->other_dirfd) : AT_FDCWD;
  r->flags = arg_of(c, row->flags);
  r->mode = arg_of(c, row->mode);
  r->uid = arg_of(c, row->uid);
  r->gid = arg_of(c, row->gid);
  r->number = arg_of(c, row->number);
  r->facts = c->facts;
  r->other_status = 0;
  r->other_base.offset = 0;
  r->other_base.size = 0;
}

static __always_inline int emit_file_change(const struct call *c) {
  if (c->nr >= CHANGE_CALLS) return 0;
  const struct change_call *row = &change_calls[c->nr];
  __u32 kind = row->kind & (VAKT_KIND_MAX - 1);
  __u32 lane = row->lane & 1;
  if (!kind || !emit_wanted(kind)) return 0;
  struct task_struct *task = current_task();
  struct vakt_header h;
  struct scratch *s = emit_scratch_begin(&h, kind, lane);
  if (!s) return 0;
  struct vakt_file_change *r = (void *)s->record;
  r->header = h;
  r->header.abi = c->abi;
  read_task(&r->task, task);
  __builtin_memset(&r->file, 0, sizeof(r->file));
  read_change_args(r, c, row);
  __u32 end = sizeof(*r);
  end = put_claim(s, end, &r->name_raw, (void *)arg_of(c, row->name), &r->facts,
                  VAKT_NAME_UNREADABLE);
  end = put_claim(s, end, &r->other_raw, (void *)arg_of(c, row->other), &r->facts,
                  VAKT_OTHER_UNREADABLE);
  end = put_claim(s, end, &r->text, (void *)arg_of(c, row->text), &r->facts, VAKT_TEXT_UNREADABLE);
  end = put_object(s, end, r, task, row->fd, c->nr == SYS_chroot && !c->result);
  if (is_relative(s, &r->other_raw))
    end = put_base(s, end, &r->other_base, &r->other_status, task, r->other_dirfd);
  end = put_caller(s, end, &r->task, kind);
  emit_scratch_end(s, kind, lane, end);
  return 0;
}

/* Of each call in the table: which one it was is in the record. */
CALL_EXIT(file_change, emit_file_change)
