/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* Runs the prefilter's automaton over a path while walking it, from the last byte to the first:
 * nothing is copied and no slot is claimed for a path that no rule asks for. */
#ifndef VAKT_BPF_PATH_SCAN_H
#define VAKT_BPF_PATH_SCAN_H

#include "bpf/lib/put.h"

#define NAME_CHUNK 16 /* bytes of a name that one step reads: two words */
/* So many steps read fewer bytes than a record has room for (a slash comes with a name's last chunk),
 * so that a path which is read to its end is not truncated in its record. Deeper ones are sent. */
#define SCAN_STEPS_MAX (VAKT_PATH_MAX / (NAME_CHUNK + 1))

/* Nothing in here is compared that grows with each step: the verifier would follow every value. */
struct path_scan {
  struct vakt_path_automaton *automaton;
  struct dentry *dentry; /* next to be read */
  struct vfsmount *mnt;
  struct dentry *mnt_root;
  struct dentry *root_dentry;
  struct vfsmount *root_mnt;
  const unsigned char *name; /* of the component that is being read */
  __u32 left;                /* its bytes that were not read yet */
  __u32 state;
  __u32 status;
  __u64 hits;
};

/* Reads the last chunk of what is left of the component's name. */
static __always_inline bool scan_chunk(struct path_scan *s) {
  __u64 words[2];
  const __u8 *bytes = (const __u8 *)words;
  __u32 n = s->left < NAME_CHUNK ? s->left : NAME_CHUNK;
  __u32 rest = s->left - n, state = s->state;
  __u64 hits = 0;
  if (!read_two_words(words, s->name + rest)) return false;
  s->left = 0;
  /* A copy that the verifier knows nothing of, for it would follow each length on its own. */
  if (rest && bpf_probe_read_kernel(&s->left, sizeof(s->left), &rest)) return false;
  for (__u32 i = 0; i < NAME_CHUNK; i++) {
    if (i >= n) break;
    state = vakt_path_byte(s->automaton, state, bytes[(n - 1 - i) & (NAME_CHUNK - 1)], &hits);
  }
  if (!rest) state = vakt_path_byte(s->automaton, state, '/', &hits);
  s->state = state;
  s->hits |= hits;
  return true;
}

/* Through the mount point to the mount above; false at the topmost. */
static __always_inline bool scan_leave_mount(struct path_scan *s) {
  struct mount *mount = (void *)((__u64)s->mnt - bpf_core_field_offset(struct mount, mnt));
  struct mount *above = READ_MEMBER(mount, mnt_parent);
  if (above == mount) return false;
  struct vfsmount *mnt = (void *)((__u64)above + bpf_core_field_offset(struct mount, mnt));
  s->mnt = mnt;
  s->dentry = READ_MEMBER(mount, mnt_mountpoint);
  s->mnt_root = READ_MEMBER(mnt, mnt_root);
  return true;
}

/* One step of the walk, as path_step (put.h) does it, so that both read the same path. */
static long scan_step(__u32 index, struct path_scan *s) {
  struct dentry *dentry = s->dentry;
  if (!s->left) {
    if (dentry == s->root_dentry && s->mnt == s->root_mnt) {
      s->status = VAKT_PATH_OK;
      return 1;
    }
    if (dentry == s->mnt_root) return scan_leave_mount(s) ? 0 : 1;
    s->dentry = READ_MEMBER(dentry, d_parent);
    if (s->dentry == dentry) return 1; /* a name outside every tree */
    s->name = READ_MEMBER(dentry, d_name.name);
    s->left = READ_MEMBER(dentry, d_name.len);
  }
  return scan_chunk(s) ? 0 : 1;
}

/* The classes that a pattern in the path of a file of the current task belongs to; all of them when
 * the path cannot be read to its end. A global function, as path_build is: a kernel pointer comes
 * as a number. */
__attribute__((noinline)) __u64 scan_path(struct vakt_path_automaton *automaton,
                                          __u64 file_address) {
  struct file *file = (void *)file_address;
  struct fs_struct *fs = current_task()->fs;
  if (!automaton || !fs) return ~0ull;
  struct path_scan s = {.automaton = automaton, .state = automaton->start};
  s.dentry = READ_MEMBER(file, f_path.dentry);
  struct vfsmount *mnt = READ_MEMBER(file, f_path.mnt); /* no member of `s`: CO-RE would look for it */
  s.mnt = mnt;
  s.mnt_root = READ_MEMBER(mnt, mnt_root);
  s.root_dentry = READ_MEMBER(fs, root.dentry);
  s.root_mnt = READ_MEMBER(fs, root.mnt);
  if (s.dentry == s.root_dentry && s.mnt == s.root_mnt) { /* the root itself is "/" */
    s.state = vakt_path_byte(automaton, s.state, '/', &s.hits);
  }
  bpf_loop(SCAN_STEPS_MAX, scan_step, &s, 0);
  if (s.status != VAKT_PATH_OK) return ~0ull;
  vakt_path_next(automaton, s.state, VAKT_SYMBOL_END, &s.hits);
  return s.hits;
}

struct text_context {
  struct vakt_path_automaton *automaton;
  struct scratch *slot;
};

static long scan_text_step(__u32 index, struct text_context *context) {
  struct scratch *slot = context->slot;
  if (!slot) return 1;
  struct text_scan *s = &slot->text;
  __u32 left = s->left, state = s->state, slash = s->slash, double_slash = s->double_slash;
  __u64 hits = 0;
  if (!left) {
    vakt_path_next(context->automaton, state, VAKT_SYMBOL_END, &hits);
    s->hits |= hits;
    return 1;
  }
  s->left = left > NAME_CHUNK ? left - NAME_CHUNK : 0;
  for (__u32 i = 0; i < NAME_CHUNK; i++) {
    if (i >= left) break;
    __u8 byte = slot->path[(left - 1 - i) & (VAKT_PATH_MAX - 1)];
    __u32 differs = byte ^ '/';
    barrier_var(differs); /* no branch here: the verifier would walk each combination */
    __u32 is_slash = (differs - 1) >> 31;
    double_slash |= slash & is_slash;
    slash = is_slash;
    state = vakt_path_byte(context->automaton, state, byte, &hits);
  }
  s->state = state;
  s->slash = slash;
  s->double_slash = double_slash;
  s->hits |= hits;
  return 0;
}

/* The same of the `size` bytes in the slot's `path`. All classes when it has repeated slashes:
 * fd.nameraw has them as one. */
__attribute__((noinline)) __u64 scan_text(struct vakt_path_automaton *automaton,
                                          struct scratch *slot, __u32 size) {
  if (!automaton || !slot) return ~0ull;
  struct text_context context = {.automaton = automaton, .slot = slot};
  slot->text = (struct text_scan){.left = size, .state = automaton->start};
  bpf_loop(VAKT_PATH_MAX / NAME_CHUNK + 1, scan_text_step, &context, 0);
  return slot->text.double_slash ? ~0ull : slot->text.hits;
}

#endif /* VAKT_BPF_PATH_SCAN_H */
