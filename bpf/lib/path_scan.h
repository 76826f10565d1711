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

/* How many of `left` bytes the next step reads: at most NAME_CHUNK. Verifiers before 6.13 forget that
 * where the compiler copies it about, and are content with the mask; what is read goes to a buffer of
 * READ_CHUNK bytes. */
#define READ_CHUNK (2 * NAME_CHUNK)
static __always_inline __u64 chunk_of(__u32 left) {
  __u64 n = left < NAME_CHUNK ? left : NAME_CHUNK;
  asm volatile("" : "+r"(n));
  return n & (READ_CHUNK - 1);
}

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

struct raw_scan {
  struct vakt_path_automaton *automaton;
  struct scratch *slot; /* its `path` holds the text, its `walk.start` how much is left of it */
  __u32 state;
  __u32 slash;  /* the byte before was one */
  __u32 double_slash;
  __u64 hits;
};

static long raw_scan_step(__u32 index, struct raw_scan *s) {
  __u8 bytes[READ_CHUNK];
  struct scratch *slot = s->slot;
  if (!slot) return 1;
  __u32 left = slot->walk.start;
  __u64 n = chunk_of(left);
  __u32 state = s->state, slash = s->slash, double_slash = s->double_slash;
  __u64 hits = 0;
  __u32 from = (left - n) & (VAKT_PATH_MAX - 1);
  slot->walk.start = from;
  if (!n || bpf_probe_read_kernel(bytes, n, slot->path + from)) return 1;
  for (__u32 i = 0; i < NAME_CHUNK; i++) {
    if (i >= n) break;
    __u8 byte = bytes[(n - 1 - i) & (NAME_CHUNK - 1)];
    __u32 differs = byte ^ '/';
    barrier_var(differs); /* no branch here: the verifier would walk each combination */
    __u32 is_slash = (differs - 1) >> 31;
    double_slash |= slash & is_slash;
    slash = is_slash;
    state = vakt_path_byte(s->automaton, state, byte, &hits);
  }
  s->state = state;
  s->slash = slash;
  s->double_slash = double_slash;
  s->hits |= hits;
  return 0;
}

/* The same of a path as the process passed it. All classes when it cannot be read, or has repeated
 * slashes: fd.nameraw has them as one. */
__attribute__((noinline)) __u64 scan_raw_path(struct vakt_path_automaton *automaton,
                                              __u64 name_address) {
  const void *name = (void *)name_address;
  struct scratch *slot = automaton && name ? scratch_claim() : 0;
  if (!slot) return ~0ull;
  struct raw_scan s = {.automaton = automaton, .slot = slot, .state = automaton->start};
  long size = bpf_probe_read_user_str(slot->path, VAKT_PATH_MAX, name);
  if (size > 1 && size < VAKT_PATH_MAX) {
    slot->walk.start = size - 1;
    bpf_loop(VAKT_PATH_MAX / NAME_CHUNK + 1, raw_scan_step, &s, 0);
    vakt_path_next(automaton, s.state, VAKT_SYMBOL_END, &s.hits);
  }
  scratch_release(slot);
  return size > 1 && size < VAKT_PATH_MAX && !s.double_slash ? s.hits : ~0ull;
}

struct name_compare {
  struct scratch *slot; /* its `path` holds the argument, its `walk.start` what is left of the name */
  const unsigned char *name;
  __u32 before; /* of the argument, before its last name */
  __u32 differs;
};

/* Compares the last chunk of what is left of both names. */
static long compare_step(__u32 index, struct name_compare *s) {
  __u64 of_file[READ_CHUNK / 8] = {}, of_argument[READ_CHUNK / 8] = {};
  struct scratch *slot = s->slot;
  if (!slot) return 1;
  __u32 left = slot->walk.start;
  __u64 n = chunk_of(left);
  __u32 from = (left - n) & 0xff;
  slot->walk.start = from;
  if (!n) return 1;
  if (bpf_probe_read_kernel(of_file, n, s->name + from) ||
      bpf_probe_read_kernel(of_argument, n,
                            slot->path + ((s->before + from) & (VAKT_PATH_MAX - 1)))) {
    s->differs = 1;
    return 1;
  }
  if (of_file[0] != of_argument[0] || of_file[1] != of_argument[1]) s->differs = 1;
  return s->differs ? 1 : 0;
}

static __always_inline bool is_byte(const struct scratch *slot, __u32 at, __u8 byte) {
  return slot->path[at & (VAKT_PATH_MAX - 1)] == byte;
}

/* The argument, of `size` bytes in the slot, against the name of the dentry. */
static __always_inline bool is_misnamed(struct scratch *slot, __u32 size, struct dentry *dentry,
                                        bool is_root) {
  __u32 name_size = READ_MEMBER(dentry, d_name.len);
  struct name_compare s = {.slot = slot, .name = READ_MEMBER(dentry, d_name.name)};
  if (is_byte(slot, size - 1, '/')) return false; /* no last name: fd.arg_mismatch is none */
  if (is_byte(slot, size - 1, '.')) {             /* nor is one in "." and ".." */
    if (size == 1 || is_byte(slot, size - 2, '/')) return false;
    if (is_byte(slot, size - 2, '.') && (size == 2 || is_byte(slot, size - 3, '/'))) return false;
  }
  if (is_root) return true; /* its path is "/", whatever its name is */
  if (!name_size || name_size > 255 || name_size > size) return true;
  s.before = size - name_size;
  if (s.before && !is_byte(slot, s.before - 1, '/')) return true;
  slot->walk.start = name_size;
  bpf_loop(256 / NAME_CHUNK, compare_step, &s, 0);
  return s.differs;
}

/* 0 when the last name in the path that the process passed is the one that the file has, or there is
 * none to compare; 1 when it differs, cannot be read, or has not been compared. */
__attribute__((noinline)) __u32 argument_misnames(__u64 file_address, __u64 name_address) {
  struct file *file = (void *)file_address;
  const void *name = (void *)name_address;
  struct fs_struct *fs = current_task()->fs;
  if (!name) return 0; /* open_by_handle_at */
  struct scratch *slot = fs ? scratch_claim() : 0;
  if (!slot) return 1;
  __u32 misnamed = 1;
  long size = bpf_probe_read_user_str(slot->path, VAKT_PATH_MAX, name);
  struct dentry *dentry = READ_MEMBER(file, f_path.dentry);
  struct vfsmount *mnt = READ_MEMBER(file, f_path.mnt);
  bool is_root = dentry == READ_MEMBER(fs, root.dentry) && mnt == READ_MEMBER(fs, root.mnt);
  if (dentry == READ_MEMBER(mnt, mnt_root)) { /* the name that a mount has is its mount point's */
    struct mount *mount = (void *)((__u64)mnt - bpf_core_field_offset(struct mount, mnt));
    dentry = READ_MEMBER(mount, mnt_mountpoint);
  }
  if (size == 1) misnamed = 0; /* empty: the descriptor that the call was given */
  if (size > 1 && size < VAKT_PATH_MAX) misnamed = is_misnamed(slot, size - 1, dentry, is_root);
  scratch_release(slot);
  return misnamed;
}

#endif /* VAKT_BPF_PATH_SCAN_H */
