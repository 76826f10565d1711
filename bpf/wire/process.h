/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* Records of what processes do to themselves and to each other. Include bpf/wire/wire.h, which includes this. */
#ifndef VAKT_WIRE_PROCESS_H
#define VAKT_WIRE_PROCESS_H

struct vakt_process_fork {
  struct vakt_header header;
  struct vakt_task task; /* the parent */
  struct vakt_task child;
  struct vakt_process_facts facts; /* the child's */
};

#define VAKT_EXE_UPPER_LAYER 1u
#define VAKT_EXE_MEMFD 2u
#define VAKT_EXE_UNLINKED 4u
#define VAKT_EXE_WRITABLE 8u
#define VAKT_ARGV_TRUNCATED 16u
#define VAKT_ARGV_UNREADABLE 32u

struct vakt_process_exec {
  struct vakt_header header;
  struct vakt_task task;
  struct vakt_process_facts facts;
  struct vakt_file exe;
  struct vakt_span filename; /* bprm->filename: as asked for */
  struct vakt_span argv;     /* NUL-separated, as in the new address space */
  struct vakt_span cwd;
  __u32 cwd_status;          /* VAKT_PATH_* */
  __u32 flags;               /* VAKT_EXE_*, VAKT_ARGV_* */
  __u32 syscall_nr;          /* x86-64 number: 59 execve, 322 execveat */
};

struct vakt_process_exit {
  struct vakt_header header;
  struct vakt_task task;
  __u32 exit_code; /* task->exit_code: code << 8 | core flag 0x80 | signal */
  __u32 reserved;
};

/* Written by the task iterator, not to a ring. argv, when wanted, is read from /proc. */
struct vakt_process_seed {
  struct vakt_header header;
  struct vakt_task task;
  struct vakt_process_facts facts;
  struct vakt_file exe;
  struct vakt_span cwd;
  __u32 cwd_status;
  __u32 flags;  /* VAKT_EXE_* */
  __u32 size;   /* of the whole record: records lie end to end in the iterator's stream */
};

VAKT_STATIC_ASSERT(sizeof(struct vakt_process_fork) == 272, "process_fork");
VAKT_STATIC_ASSERT(sizeof(struct vakt_process_exec) == 248, "process_exec");
VAKT_STATIC_ASSERT(sizeof(struct vakt_process_exit) == 128, "process_exit");
VAKT_STATIC_ASSERT(sizeof(struct vakt_process_seed) == 240, "process_seed");

#endif /* VAKT_WIRE_PROCESS_H */
