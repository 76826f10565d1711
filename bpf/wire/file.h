/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* Records of what is done to files. Include bpf/wire/wire.h, which includes this. */
#ifndef VAKT_WIRE_FILE_H
#define VAKT_WIRE_FILE_H

/* facts of records about files */
#define VAKT_OPEN_CREATED 1u       /* the open made the file */
#define VAKT_NAME_UNREADABLE 2u    /* the argument's memory was gone at the call's end */
#define VAKT_OTHER_UNREADABLE 4u
#define VAKT_TEXT_UNREADABLE 8u
#define VAKT_UNFINISHED 16u        /* told before its end, which goes unmentioned (io_uring) */

struct vakt_file_open {
  struct vakt_header header;
  struct vakt_task task;
  struct vakt_file file; /* success: of the opened file. failure: path is the base directory */
  struct vakt_span name_raw;
  __s32 dirfd;
  __s32 result;  /* fd or -errno */
  __u32 flags;   /* O_*: f_flags on success, the argument on failure */
  __u32 create_mode;
  __u32 syscall_nr; /* x86-64 number: 2 open, 85 creat, 257 openat, 304 open_by_handle_at, 437 openat2 */
  __u64 resolve;    /* openat2's how.resolve */
  __u32 facts;
  __u32 reserved;
};

/* Changes of names, attributes and mounts: file_unlink, file_rename, file_link, file_symlink,
 * file_mkdir, file_mknod, file_chmod, file_chown, file_setxattr, file_truncate, file_mount,
 * file_umount, file_chroot. Which arguments a call has is in the table of
 * bpf/probes/file_change.bpf.c; absent ones are 0 or empty. */
struct vakt_file_change {
  struct vakt_header header;
  struct vakt_task task;
  struct vakt_file file; /* with a descriptor: the object. else path is where a relative name starts */
  struct vakt_span name_raw;
  struct vakt_span other_base; /* where a relative other name starts */
  struct vakt_span other_raw;
  struct vakt_span text;       /* a link's target, an attribute's name, a file system type */
  __u32 other_status;          /* VAKT_PATH_* of other_base */
  __s32 fd;                    /* -1 when the call names its object */
  __s32 dirfd;
  __s32 other_dirfd;
  __s32 result;
  __u32 flags;
  __u32 mode;
  __u32 uid;
  __u32 gid;
  __u32 syscall_nr; /* x86-64 number */
  __u32 facts;
  __u32 reserved;
  __u64 number; /* a size or a device */
};

VAKT_STATIC_ASSERT(sizeof(struct vakt_file_open) == 248, "file_open");
VAKT_STATIC_ASSERT(sizeof(struct vakt_file_change) == 280, "file_change");

#endif /* VAKT_WIRE_FILE_H */
