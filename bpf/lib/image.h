/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* What a process runs: facts about its executable, shared by process_exec and process_seed. */
#ifndef VAKT_BPF_IMAGE_H
#define VAKT_BPF_IMAGE_H

#include "bpf/lib/put.h"

#define OVERLAYFS_SUPER_MAGIC 0x794c7630
#define TMPFS_MAGIC 0x01021994
#define HUGETLBFS_MAGIC 0x958458f6
#define CAP_DAC_OVERRIDE 1
#define S_IWUSR 0200
#define S_IWGRP 0020
#define S_IWOTH 0002

static __always_inline __u64 file_system_of(struct inode *inode) {
  struct super_block *super = READ_MEMBER(inode, i_sb);
  return READ_MEMBER(super, s_magic);
}

/*
 * True when the file lives in an overlay's upper layer. struct ovl_inode is private to the overlay
 * module, but `__upperdentry` has followed the embedded inode since it was introduced (fs/overlayfs/
 * ovl_entry.h, 4.13 to 6.18).
 */
static __always_inline bool in_upper_layer(struct inode *inode) {
  if (file_system_of(inode) != OVERLAYFS_SUPER_MAGIC) return false;
  void *upper = 0;
  bpf_probe_read_kernel(&upper, sizeof(upper), (void *)inode + bpf_core_type_size(struct inode));
  return upper != 0;
}

static __always_inline bool is_memfd(struct file *file, struct inode *inode) {
  __u64 magic = file_system_of(inode);
  if (magic != TMPFS_MAGIC && magic != HUGETLBFS_MAGIC) return false;
  if (READ_MEMBER(inode, i_nlink)) return false;
  char name[8] = {};
  bpf_probe_read_kernel(name, 6, BPF_CORE_READ(file, f_path.dentry, d_name.name));
  return name[0] == 'm' && name[1] == 'e' && name[2] == 'm' && name[3] == 'f' && name[4] == 'd' &&
         name[5] == ':';
}

/* May the task write the file that it runs? By mode bits and CAP_DAC_OVERRIDE; ACLs, read-only
 * mounts and security modules are not considered. */
static __always_inline bool may_write(struct task_struct *task, struct inode *inode) {
  const struct cred *cred = task->cred;
  __u16 mode = READ_MEMBER(inode, i_mode);
  if (READ_CAPABILITIES(cred, cap_effective) >> CAP_DAC_OVERRIDE & 1) return true;
  if (READ_MEMBER(inode, i_uid.val) == cred->fsuid.val) return mode & S_IWUSR;
  if (READ_MEMBER(inode, i_gid.val) == cred->fsgid.val) return mode & S_IWGRP;
  return mode & S_IWOTH;
}

static __always_inline __u32 read_exe_flags(struct task_struct *task, struct file *exe) {
  struct inode *inode = READ_MEMBER(exe, f_inode);
  __u32 flags = 0;
  if (in_upper_layer(inode)) flags |= VAKT_EXE_UPPER_LAYER;
  if (is_memfd(exe, inode)) flags |= VAKT_EXE_MEMFD;
  if (!READ_MEMBER(inode, i_nlink)) flags |= VAKT_EXE_UNLINKED;
  if (may_write(task, inode)) flags |= VAKT_EXE_WRITABLE;
  return flags;
}

/* Executable, its path and the working directory of `task`; returns the tail's end. */
static __always_inline __u32 put_image(struct scratch *s, __u32 end, struct task_struct *task,
                                       struct vakt_file *exe_out, struct vakt_span *cwd,
                                       __u32 *cwd_status, __u32 *flags) {
  struct mm_struct *mm = task->mm;
  struct file *exe = mm ? READ_MEMBER(mm, exe_file) : 0;
  *flags = 0;
  __builtin_memset(exe_out, 0, sizeof(*exe_out));
  if (exe) {
    read_file(exe_out, exe);
    *flags = read_exe_flags(task, exe);
    end = put_file_path(s, end, exe_out, task, exe);
  }
  struct fs_struct *fs = task->fs;
  cwd->offset = 0;
  cwd->size = 0;
  *cwd_status = 0;
  if (!fs) return end;
  return put_path(s, end, cwd, cwd_status, task, READ_MEMBER(fs, pwd.mnt),
                  READ_MEMBER(fs, pwd.dentry));
}

#endif /* VAKT_BPF_IMAGE_H */
