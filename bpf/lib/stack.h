/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * Where in its program the current task made its call: the frames of its user stack, by frame
 * pointers, and what is mapped at the instruction that made the call. Both look at the task's memory
 * map and wait for nothing: what another thread has locked at this moment stays unknown, and a file
 * whose first page is not in memory has no build id.
 */
#ifndef VAKT_BPF_STACK_H
#define VAKT_BPF_STACK_H

#include "bpf/lib/image.h"

struct origin_context {
  struct stack_capture *capture;
};

/* Shared anonymous memory and System V segments are files of the kernel's own, in a tmpfs that is
 * mounted nowhere: mm/shmem.c names them "dev/zero", which no file system can, and "SYSV". */
static __always_inline bool is_kernel_file(struct inode *inode, const char *name) {
  if (file_system_of(inode) != TMPFS_MAGIC || READ_MEMBER(inode, i_nlink))
    return false;
  bool is_shared = name[0] == 'd' && name[1] == 'e' && name[2] == 'v' && name[3] == '/';
  bool is_segment = name[0] == 'S' && name[1] == 'Y' && name[2] == 'S' && name[3] == 'V';
  return is_shared || is_segment;
}

/* Called under the memory map's lock, so the file is there. */
static long read_origin(struct task_struct *task, struct vm_area_struct *vma,
                        struct origin_context *context) {
  struct stack_capture *c = context->capture;
  if (!c) return 0;
  struct file *file = READ_MEMBER(vma, vm_file);
  const char *name = 0;
  c->stack.origin = VAKT_ORIGIN_FILE;
  if (file) {
    struct inode *inode = READ_MEMBER(file, f_inode);
    struct super_block *super = READ_MEMBER(inode, i_sb);
    struct dentry *dentry = READ_MEMBER(file, f_path.dentry);
    c->stack.origin_ino = READ_MEMBER(inode, i_ino);
    c->stack.origin_dev = READ_MEMBER(super, s_dev);
    name = (const char *)READ_MEMBER(dentry, d_name.name);
  } else if (READ_MEMBER(vma, vm_ops)) {
    struct vm_special_mapping *mapping = (void *)READ_MEMBER(vma, vm_private_data);
    name = BPF_CORE_READ(mapping, name);
  } else {
    c->stack.origin = VAKT_ORIGIN_ANONYMOUS;
    return 0;
  }
  long size = bpf_probe_read_kernel_str(c->name, sizeof(c->name), name);
  if (size > 1) c->stack.name_size = size - 1;
  if (file && is_kernel_file(READ_MEMBER(file, f_inode), c->name))
    c->stack.origin = VAKT_ORIGIN_ANONYMOUS;
  return 0;
}

/* Frames with build ids: the kernel finds and reads the head of each file that they lie in. */
static __always_inline void read_frames(struct stack_capture *c, struct task_struct *task) {
  long size = bpf_get_task_stack(task, c->frames, sizeof(c->frames),
                                 BPF_F_USER_STACK | BPF_F_USER_BUILD_ID);
  __u32 frames = size > 0 ? size / sizeof(c->frames[0]) : 0;
  c->stack.truncated = frames > VAKT_STACK_FRAMES;
  c->stack.frames = c->stack.truncated ? VAKT_STACK_FRAMES : frames;
}

/* Global, so that the verifier looks at it once per program. A call from a file without
 * `frames_of_files` tells that file and no frames, and that they are missing. */
__attribute__((noinline)) int stack_capture(struct stack_capture *c, bool frames_of_files) {
  if (!c) return 0;
  struct task_struct *task = bpf_get_current_task_btf();
  struct pt_regs *regs = (void *)bpf_task_pt_regs(task);
  struct origin_context context = {.capture = c};
  __builtin_memset(&c->stack, 0, sizeof(c->stack));
  c->name[0] = 0;
  /* The address is behind the instruction, which may be the last one of its mapping. */
  bpf_find_vma(task, regs->ip - 1, read_origin, &context, 0);
  if (frames_of_files || c->stack.origin != VAKT_ORIGIN_FILE)
    read_frames(c, task);
  else
    c->stack.truncated = 1;
  return 0;
}

static __always_inline __u32 put_stack(struct scratch *s, __u32 end, struct vakt_span *span,
                                       const struct stack_capture *c) {
  struct vakt_span part;
  __u32 begin = end;
  if (end > VAKT_SCRATCH_OFFSET_MAX - sizeof(*c)) return end; /* all of it or nothing */
  end = put_kernel(s, end, &part, &c->stack, sizeof(c->stack));
  end = put_kernel(s, end, &part, c->frames, c->stack.frames * sizeof(c->frames[0]));
  end = put_kernel(s, end, &part, c->name, c->stack.name_size);
  span->offset = begin;
  span->size = end - begin;
  return end;
}

static __always_inline bool stack_wanted(__u32 kind) {
  struct vakt_control *c = control_block();
  return c && c->stack_kinds >> kind & 1;
}

/* The stack of the current task, which is the record's actor, when events of `kind` are to tell it. */
static __always_inline __u32 put_caller(struct scratch *s, __u32 end, struct vakt_task *actor,
                                        __u32 kind) {
  if (!stack_wanted(kind)) return end;
  stack_capture(&s->stack, true);
  return put_stack(s, end, &actor->stack, &s->stack);
}

/* A program start is told when the new program is in place: the caller's stack is gone then, so it is
 * kept from before until then, by process: one starts one program at a time. An exec that dies between
 * the two leaves its entry, and the oldest gives way. */
struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, VAKT_STARTING_PROGRAMS);
  __type(key, __u32);
  __type(value, struct stack_capture);
} exec_callers SEC(".maps");

static __always_inline int keep_exec_caller(void) {
  struct vakt_control *c = control_block();
  if (!c || !kind_enabled(c, KIND_process_exec) || !stack_wanted(KIND_process_exec)) return 0;
  if (!in_scope(c)) return 0;
  struct scratch *s = scratch_claim();
  if (!s) return 0;
  __u32 process = bpf_get_current_pid_tgid() >> 32;
  stack_capture(&s->stack, false);
  bpf_map_update_elem(&exec_callers, &process, &s->stack, BPF_ANY);
  scratch_release(s);
  return 0;
}

static __always_inline __u32 put_exec_caller(struct scratch *s, __u32 end, struct vakt_task *actor) {
  if (!stack_wanted(KIND_process_exec)) return end;
  __u32 process = bpf_get_current_pid_tgid() >> 32;
  struct stack_capture *kept = bpf_map_lookup_elem(&exec_callers, &process);
  if (!kept) return end;
  end = put_stack(s, end, &actor->stack, kept);
  bpf_map_delete_elem(&exec_callers, &process);
  return end;
}

#endif /* VAKT_BPF_STACK_H */
