/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* Records of what is done to files. Include bpf/wire/wire.h, which includes this. */
#ifndef VAKT_WIRE_FILE_H
#define VAKT_WIRE_FILE_H

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
};

VAKT_STATIC_ASSERT(sizeof(struct vakt_file_open) == 232, "file_open");

#endif /* VAKT_WIRE_FILE_H */
