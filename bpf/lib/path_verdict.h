/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * The verdicts on paths that were scanned before (path_scan.h).
 *
 * A file's path is known by a fingerprint of the chain from its dentry to the task's root: where
 * each dentry lies (in lines of 64 bytes), the kernel's hash of its name, and its count of renames. A
 * rename or a mount makes another chain, so a verdict is never out of date, only missing; an address
 * that comes to hold another dentry is told from the one before by the hash. A path as text is known
 * by a fingerprint of its bytes.
 *
 * The keys are secret and new with each set of tables: what was kept of older ones is void, and
 * nobody can choose names whose fingerprints meet. NH as in prefilter.h, word by word, in a
 * polynomial.
 */
#ifndef VAKT_BPF_PATH_VERDICT_H
#define VAKT_BPF_PATH_VERDICT_H

#include "bpf/lib/path_scan.h"

#define PATH_VERDICTS_BITS 14
/* What is longer is scanned each time: components and mount points of a file, bytes of a text. */
#define FINGERPRINT_STEPS_MAX 32
#define FINGERPRINT_TEXT_MAX 128

/* `sealed` is the fingerprint, with the classes over it: of an entry that two CPUs wrote at once,
 * the halves do not fit. */
struct path_verdict {
  __u64 sealed;
  __u64 classes;
};

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1 << PATH_VERDICTS_BITS);
  __type(key, __u32);
  __type(value, struct path_verdict);
} path_verdicts SEC(".maps");

static __always_inline struct path_verdict *verdict_slot(__u64 print) {
  __u32 index = print * 0x9e3779b97f4a7c15ull >> (64 - PATH_VERDICTS_BITS);
  return bpf_map_lookup_elem(&path_verdicts, &index);
}

static __always_inline bool verdict_known(const struct path_verdict *slot, __u64 print,
                                          __u64 *classes) {
  *classes = READ_ONCE(slot->classes);
  return (READ_ONCE(slot->sealed) ^ *classes) == print;
}

static __always_inline void verdict_keep(struct path_verdict *slot, __u64 print, __u64 classes) {
  WRITE_ONCE(slot->classes, classes);
  WRITE_ONCE(slot->sealed, print ^ classes);
}

#define WORD_OF(object, type, member) read_word((object) + bpf_core_field_offset(type, member))

/* Of the path of a file of the current task; 0 when there is none. A global function, as scan_path
 * is. Addresses are numbers in here: they are not to be followed but to be summed up. */
__attribute__((noinline)) __u64 path_fingerprint(__u64 file, __u64 key, __u64 factor) {
  __u64 fs = WORD_OF((__u64)bpf_get_current_task(), struct task_struct, fs);
  if (!fs) return 0;
  __u64 dentry = WORD_OF(file, struct file, f_path.dentry);
  __u64 mnt = WORD_OF(file, struct file, f_path.mnt);
  __u64 mnt_root = WORD_OF(mnt, struct vfsmount, mnt_root);
  __u64 root_dentry = WORD_OF(fs, struct fs_struct, root.dentry);
  __u64 root_mnt = WORD_OF(fs, struct fs_struct, root.mnt);
  __u64 print = 1;
  for (__u32 i = 0; i < FINGERPRINT_STEPS_MAX; i++) {
    if (dentry == root_dentry && mnt == root_mnt) return print;
    if (dentry == mnt_root) { /* up through the mount point */
      __u64 mount = mnt - bpf_core_field_offset(struct mount, mnt);
      __u64 above = WORD_OF(mount, struct mount, mnt_parent);
      if (above == mount) return 0;
      dentry = WORD_OF(mount, struct mount, mnt_mountpoint);
      mnt = above + bpf_core_field_offset(struct mount, mnt);
      mnt_root = WORD_OF(mnt, struct vfsmount, mnt_root);
      continue;
    }
    __u64 parent = WORD_OF(dentry, struct dentry, d_parent);
    if (parent == dentry) return 0; /* a name outside every tree */
    __u32 name = WORD_OF(dentry, struct dentry, d_name.hash);
    __u32 renames = WORD_OF(dentry, struct dentry, d_seq);
    print = print * factor + nh(key, dentry >> 6 << 32 | (__u32)(name + renames * 0x9e3779b1));
    dentry = parent;
  }
  return 0;
}

/* What scan_path says of the file, remembered. */
static __always_inline __u64 classes_of_path(struct vakt_prefilter *tables, struct file *file) {
  __u64 print = path_fingerprint((__u64)file, tables->path_key, tables->path_factor), classes;
  struct path_verdict *slot = verdict_slot(print);
  if (!slot || !print) return scan_path(&tables->open_path, (__u64)file);
  if (verdict_known(slot, print, &classes)) return classes;
  classes = scan_path(&tables->open_path, (__u64)file);
  bool same = path_fingerprint((__u64)file, tables->path_key, tables->path_factor) == print;
  if (same) verdict_keep(slot, print, classes); /* else it was renamed meanwhile */
  return classes;
}

/* The first `size` bytes of a word in memory. */
static __always_inline __u64 bytes_of_word(__u32 size) {
  return size < 8 ? (1ull << size * 8) - 1 : ~0ull;
}

/* What scan_text says of the `size` bytes in the slot's `path`, remembered. */
static __always_inline __u64 classes_of_text(struct vakt_prefilter *tables, struct scratch *text,
                                             __u32 size) {
  __u64 print = 2, classes;
  if (size > FINGERPRINT_TEXT_MAX) return scan_text(&tables->open_path, text, size);
  for (__u32 i = 0; i < FINGERPRINT_TEXT_MAX / 8; i++) {
    if (i * 8 >= size) break;
    __u64 word = ((const __u64 *)text->path)[i] & bytes_of_word(size - i * 8);
    print = print * tables->path_factor + nh(tables->path_key, word);
  }
  struct path_verdict *slot = verdict_slot(print);
  if (!slot) return ~0ull;
  if (verdict_known(slot, print, &classes)) return classes;
  classes = scan_text(&tables->open_path, text, size);
  verdict_keep(slot, print, classes);
  return classes;
}

#endif /* VAKT_BPF_PATH_VERDICT_H */
