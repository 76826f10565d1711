/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* What an open was asked for, against what it opened: some rules look at the name as it was passed,
 * and one fires where its last part is not the file's. */
#ifndef VAKT_BPF_OPEN_ARGUMENT_H
#define VAKT_BPF_OPEN_ARGUMENT_H

#include "bpf/lib/path_verdict.h"

/* True when the `size` bytes at offset `at` of the slot's path are not those of `name`. */
static __always_inline bool name_differs(const struct scratch *slot, __u32 at,
                                         const unsigned char *name, __u32 size) {
  for (__u32 i = 0; i < 256 / NAME_CHUNK; i++) {
    __u32 done = i * NAME_CHUNK;
    if (done >= size) return false;
    __u64 words[2];
    if (!read_two_words(words, name + done)) return true;
    const __u64 *asked = (const __u64 *)&slot->path[(at + done) & (VAKT_PATH_MAX - 1)];
    __u32 left = size - done;
    if ((words[0] ^ asked[0]) & bytes_of_word(left)) return true;
    if (left > 8 && (words[1] ^ asked[1]) & bytes_of_word(left - 8)) return true;
  }
  return true;
}

static __always_inline bool is_byte(const struct scratch *slot, __u32 at, __u8 byte) {
  return slot->path[at & (VAKT_PATH_MAX - 1)] == byte;
}

/* The argument, of `size` bytes in the slot, against the name of the dentry. */
static __always_inline bool is_misnamed(struct scratch *slot, __u32 size, struct dentry *dentry,
                                        bool is_root) {
  __u32 name_size = READ_MEMBER(dentry, d_name.len);
  if (is_byte(slot, size - 1, '/')) return false; /* no last name: fd.arg_mismatch is none */
  if (is_byte(slot, size - 1, '.')) {             /* nor is one in "." and ".." */
    if (size == 1 || is_byte(slot, size - 2, '/')) return false;
    if (is_byte(slot, size - 2, '.') && (size == 2 || is_byte(slot, size - 3, '/'))) return false;
  }
  if (is_root) return true; /* its path is "/", whatever its name is */
  if (!name_size || name_size > 255 || name_size > size) return true;
  __u32 before = size - name_size;
  if (before && !is_byte(slot, before - 1, '/')) return true;
  return name_differs(slot, before, READ_MEMBER(dentry, d_name.name), name_size);
}

/* True unless the last name in the argument is the one that the file has, or there is none to
 * compare. `size`: what reading the argument into the slot returned. */
static __always_inline bool argument_misnames(struct scratch *slot, long size, struct file *file) {
  struct fs_struct *fs = current_task()->fs;
  if (size == 1) return false; /* empty: the descriptor that the call was given */
  if (!fs || size < 1 || size >= VAKT_PATH_MAX) return true;
  struct dentry *dentry = READ_MEMBER(file, f_path.dentry);
  struct vfsmount *mnt = READ_MEMBER(file, f_path.mnt);
  bool is_root = dentry == READ_MEMBER(fs, root.dentry) && mnt == READ_MEMBER(fs, root.mnt);
  if (dentry == READ_MEMBER(mnt, mnt_root)) { /* the name that a mount has is its mount point's */
    struct mount *mount = (void *)((__u64)mnt - bpf_core_field_offset(struct mount, mnt));
    dentry = READ_MEMBER(mount, mnt_mountpoint);
  }
  return is_misnamed(slot, size - 1, dentry, is_root);
}

/* Of `classes`, those that may fire still, once the argument was read. `hits`: those that the
 * file's path is enough for. `file`: to compare its name; 0: it counts as another. An argument that
 * cannot be read leaves all. A global function, so that the verifier looks at it on its own. */
__attribute__((noinline)) __u64 classes_of_argument(struct vakt_prefilter *tables, __u64 file,
                                                    __u64 name, __u64 classes, __u64 hits) {
  if (!tables) return classes;
  if (!name) return classes & ~tables->open_misnamed; /* open_by_handle_at */
  struct scratch *slot = scratch_claim();
  if (!slot) return classes;
  long size = bpf_probe_read_user_str(slot->path, VAKT_PATH_MAX, (void *)name);
  if (file && (classes & tables->open_misnamed) && !argument_misnames(slot, size, (void *)file)) {
    classes &= ~tables->open_misnamed;
  }
  if ((classes & ~hits) && size > 1 && size < VAKT_PATH_MAX) {
    classes &= hits | classes_of_text(tables, slot, size - 1);
  }
  scratch_release(slot);
  return classes;
}

#endif /* VAKT_BPF_OPEN_ARGUMENT_H */
