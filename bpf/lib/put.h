/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * put_: byte strings into the tail of a scratch record. Each takes and returns the tail's end, an
 * offset below VAKT_SCRATCH_OFFSET_MAX, and fills in the span; a string that does not fit leaves an
 * empty span (the sizes in emit.h make that impossible for the kinds as they are).
 */
#ifndef VAKT_BPF_PUT_H
#define VAKT_BPF_PUT_H

#include "bpf/lib/emit.h"

#define PATH_DEPTH_MAX 2048 /* a path of 4096 bytes has no more components */
#define CGROUP_DEPTH_MAX 32

/* Bytes that are already in kernel memory. */
static __always_inline __u32 put_kernel(struct scratch *s, __u32 end, struct vakt_span *span,
                                        const void *from, __u32 size) {
  span->offset = end;
  span->size = 0;
  if (end >= VAKT_SCRATCH_OFFSET_MAX || size > VAKT_PATH_MAX) return end;
  if (bpf_probe_read_kernel(s->record + end, size, from)) return end;
  span->size = size;
  return end + size;
}

/* A NUL-terminated string of the kernel, without its terminator. */
static __always_inline __u32 put_kernel_str(struct scratch *s, __u32 end, struct vakt_span *span,
                                            const char *from) {
  span->offset = end;
  span->size = 0;
  if (end >= VAKT_SCRATCH_OFFSET_MAX) return end;
  long size = bpf_probe_read_kernel_str(s->record + end, VAKT_PATH_MAX, from);
  if (size <= 1 || size > VAKT_PATH_MAX) return end;
  span->size = size - 1;
  return end + size - 1;
}

/* A NUL-terminated string of the current process: a claim, as it is at this moment. */
static __always_inline __u32 put_user_str(struct scratch *s, __u32 end, struct vakt_span *span,
                                          const void *from) {
  span->offset = end;
  span->size = 0;
  if (end >= VAKT_SCRATCH_OFFSET_MAX) return end;
  long size = bpf_probe_read_user_str(s->record + end, VAKT_PATH_MAX, from);
  if (size <= 1 || size > VAKT_PATH_MAX) return end;
  span->size = size - 1;
  return end + size - 1;
}

/* `size` bytes of the current process, at most VAKT_ARGV_MAX; `failed` is set when unreadable. */
static __always_inline __u32 put_user(struct scratch *s, __u32 end, struct vakt_span *span,
                                      const void *from, __u64 size, bool *failed) {
  span->offset = end;
  span->size = 0;
  *failed = true;
  if (end >= VAKT_SCRATCH_OFFSET_MAX) return end;
  if (size > VAKT_ARGV_MAX) size = VAKT_ARGV_MAX;
  if (bpf_probe_read_user(s->record + end, size, from)) return end;
  *failed = false;
  span->size = size;
  return end + size;
}

/* Puts "/name" in front of the path; false when there is no room. */
static __always_inline bool path_prepend(struct scratch *s, const void *name, __u32 size) {
  __u32 at = s->walk.start;
  if (size > 255) size = 255;
  if (at > VAKT_PATH_MAX || at < size + 1) return false;
  at -= size;
  if (at == 0 || at >= VAKT_PATH_MAX) return size == 0;
  if (bpf_probe_read_kernel(s->path + at, size, name)) return false;
  at -= 1;
  if (at >= VAKT_PATH_MAX) return false;
  s->path[at] = '/';
  s->walk.start = at;
  return true;
}

/* Copies the finished path to the tail; "/" when nothing was put in front. */
static __always_inline __u32 put_built_path(struct scratch *s, __u32 end, struct vakt_span *span) {
  __u32 start = s->walk.start;
  if (start >= VAKT_PATH_MAX) {
    start = VAKT_PATH_MAX - 1;
    s->path[start] = '/';
  }
  return put_kernel(s, end, span, s->path + start, VAKT_PATH_MAX - start);
}

struct walk_context {
  struct scratch *scratch;
  struct kernfs_node *node; /* of a cgroup walk */
};

static __always_inline struct mount *mount_of(struct vfsmount *mnt) {
  return (void *)((__u64)mnt - bpf_core_field_offset(struct mount, mnt));
}

static long path_step(__u32 index, struct walk_context *context) {
  struct scratch *s = context->scratch;
  if (!s) return 1;
  struct path_walk *w = &s->walk;
  struct dentry *dentry = w->dentry;
  struct vfsmount *mnt = w->mnt;
  if (dentry == w->root_dentry && mnt == w->root_mnt) {
    w->status = VAKT_PATH_OK;
    return 1;
  }
  struct dentry *parent = READ_MEMBER(dentry, d_parent);
  if (dentry == w->mnt_root) { /* up through the mount point */
    struct mount *mount = mount_of(mnt);
    struct mount *parent_mount = READ_MEMBER(mount, mnt_parent);
    if (parent_mount == mount) {
      w->status = VAKT_PATH_UNREACHABLE;
      return 1;
    }
    struct vfsmount *parent_mnt =
        (void *)((__u64)parent_mount + bpf_core_field_offset(struct mount, mnt));
    w->dentry = READ_MEMBER(mount, mnt_mountpoint);
    w->mnt = parent_mnt;
    w->mnt_root = READ_MEMBER(parent_mnt, mnt_root);
    return 0;
  }
  if (!path_prepend(s, READ_MEMBER(dentry, d_name.name), READ_MEMBER(dentry, d_name.len))) {
    w->status = VAKT_PATH_TRUNCATED;
    return 1;
  }
  if (dentry == parent) { /* memfd, pipe: a name outside every tree */
    w->status = VAKT_PATH_UNREACHABLE;
    return 1;
  }
  w->dentry = parent;
  return 0;
}

/* Walks from s->walk's (mnt, dentry) to its root. A global function: the verifier looks at it once
 * per program, not at each call; loading is four fifths of the agent's start. */
__attribute__((noinline)) int path_build(struct scratch *s) {
  if (!s) return 0;
  struct walk_context context = {.scratch = s};
  struct vfsmount *mnt = s->walk.mnt;
  s->walk.mnt_root = READ_MEMBER(mnt, mnt_root);
  s->walk.start = VAKT_PATH_MAX;
  s->walk.status = 0;
  bpf_loop(PATH_DEPTH_MAX, path_step, &context, 0);
  if (!s->walk.status) s->walk.status = VAKT_PATH_TRUNCATED;
  return 0;
}

/* The path of (mnt, dentry) as `task` would write it. */
static __always_inline __u32 put_path(struct scratch *s, __u32 end, struct vakt_span *span,
                                      __u32 *status, struct task_struct *task,
                                      struct vfsmount *mnt, struct dentry *dentry) {
  struct fs_struct *fs = task->fs;
  s->walk.dentry = dentry;
  s->walk.mnt = mnt;
  s->walk.root_dentry = READ_MEMBER(fs, root.dentry);
  s->walk.root_mnt = READ_MEMBER(fs, root.mnt);
  path_build(s);
  *status = s->walk.status;
  return put_built_path(s, end, span);
}

/* The path of (mnt, dentry) from the root of the mount namespace that it is mounted in. */
static __always_inline __u32 put_outer_path(struct scratch *s, __u32 end, struct vakt_span *span,
                                            __u32 *status, struct vfsmount *mnt,
                                            struct dentry *dentry) {
  s->walk.dentry = dentry;
  s->walk.mnt = mnt;
  s->walk.root_dentry = 0;
  s->walk.root_mnt = 0;
  path_build(s);
  *status = s->walk.status == VAKT_PATH_UNREACHABLE ? VAKT_PATH_OK : s->walk.status;
  return put_built_path(s, end, span);
}

/* Whether the task's root is another directory than what its mount namespace shows everybody: the
 * root of the topmost mount, or of what is mounted upon that (the initial ramfs lies below all). */
static __always_inline bool in_other_root(struct task_struct *task) {
  struct fs_struct *fs = task->fs;
  struct vfsmount *mnt = READ_MEMBER(fs, root.mnt);
  if (READ_MEMBER(fs, root.dentry) != READ_MEMBER(mnt, mnt_root)) return true;
  struct mount *mount = mount_of(mnt);
  struct mount *parent = READ_MEMBER(mount, mnt_parent);
  return READ_MEMBER(parent, mnt_parent) != parent;
}

static __always_inline bool is_unlinked(struct dentry *dentry) {
  return !READ_MEMBER(dentry, d_hash.pprev) && READ_MEMBER(dentry, d_parent) != dentry;
}

/* Both paths of an open file: as the task would write it, and, for a task in a root of its own, as
 * the others in its mount namespace would. */
static __always_inline __u32 put_file_path(struct scratch *s, __u32 end, struct vakt_file *out,
                                           struct task_struct *task, struct file *file) {
  struct vfsmount *mnt = READ_MEMBER(file, f_path.mnt);
  struct dentry *dentry = READ_MEMBER(file, f_path.dentry);
  __u32 outer_status = 0;
  end = put_path(s, end, &out->path, &out->path_status, task, mnt, dentry);
  if (out->path_status == VAKT_PATH_OK && is_unlinked(dentry))
    out->path_status = VAKT_PATH_DELETED;
  if (in_other_root(task))
    end = put_outer_path(s, end, &out->outer_path, &outer_status, mnt, dentry);
  return end;
}

static __always_inline struct kernfs_node *kernfs_parent(struct kernfs_node *node) {
  struct kernfs_node___before_6_15 *old = (void *)node;
  if (bpf_core_field_exists(node->__parent)) return READ_MEMBER(node, __parent);
  return BPF_CORE_READ(old, parent);
}

static long cgroup_step(__u32 index, struct walk_context *context) {
  struct kernfs_node *node = context->node;
  struct kernfs_node *parent = kernfs_parent(node);
  if (!parent) return 1; /* the hierarchy's root has no name */
  const char *name = READ_MEMBER(node, name);
  char buffer[256];
  long size = bpf_probe_read_kernel_str(buffer, sizeof(buffer), name);
  if (size <= 1 || !context->scratch) return 1;
  if (!path_prepend(context->scratch, buffer, size - 1)) return 1;
  context->node = parent;
  return 0;
}

/* The cgroup v2 directory of `task` below the hierarchy's root, "/" for the root. */
static __always_inline __u32 put_cgroup_path(struct scratch *s, __u32 end, struct vakt_span *span,
                                             struct task_struct *task) {
  struct walk_context context = {.scratch = s, .node = task->cgroups->dfl_cgrp->kn};
  s->walk.start = VAKT_PATH_MAX;
  bpf_loop(CGROUP_DEPTH_MAX, cgroup_step, &context, 0);
  return put_built_path(s, end, span);
}

#endif /* VAKT_BPF_PUT_H */
