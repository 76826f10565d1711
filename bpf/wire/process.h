/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* Records of what processes do to themselves and to each other. Include bpf/wire/wire.h, which includes this. */
#ifndef VAKT_WIRE_PROCESS_H
#define VAKT_WIRE_PROCESS_H

#define VAKT_NO_SYSCALL 0xffffffffu

struct vakt_process_fork {
  struct vakt_header header;
  struct vakt_task task; /* the parent */
  struct vakt_task child;
  struct vakt_process_facts facts; /* the child's */
  __u64 clone_flags;
  __u32 syscall_nr; /* 56 clone, 57 fork, 58 vfork, 435 clone3; VAKT_NO_SYSCALL: by the kernel */
  __u32 reserved;
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
  struct vakt_span interp;   /* of a script: the interpreter that its first line names, as written */
  struct vakt_span cwd;
  __u32 cwd_status;          /* VAKT_PATH_* */
  __u32 flags;               /* VAKT_EXE_*, VAKT_ARGV_* */
  struct vakt_span env;      /* the first VAKT_ENV_MAX bytes, NUL-separated; when asked for */
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

#define VAKT_CALL_ARGS 6

/*
 * A system call that is worth knowing for itself. An argument that points to a structure is replaced
 * by what matters in it (bpf/probes/call.bpf.c says which); other pointers are left as they are. Kinds:
 * process_exec_failed, process_session, process_prctl, process_namespace, process_seccomp,
 * process_personality, memory_file, memory_protect, kernel_module, kernel_bpf, kernel_kexec,
 * kernel_perf, kernel_key, kernel_io_uring, kernel_userfaultfd, kernel_time, kernel_swap,
 * kernel_reboot.
 */
struct vakt_call {
  struct vakt_header header;
  struct vakt_task task; /* after the call */
  __u64 args[VAKT_CALL_ARGS];
  __s64 result;
  struct vakt_file file; /* behind the descriptor that the call is about; mode 0 when none. Of a
                            failed exec, path alone: the directory that its name started from */
  struct vakt_span text; /* a string argument: a claim */
  __u32 syscall_nr;      /* x86-64 number */
};

/* What one process does to another: process_ptrace, process_vm, process_descriptor, process_signal,
 * process_rename, process_cgroup, process_limit. */
struct vakt_process_act {
  struct vakt_header header;
  struct vakt_task task;
  struct vakt_task target; /* pid 0 when it could not be found; comm as it was before a rename */
  __u64 args[VAKT_CALL_ARGS];
  __s64 result;
  struct vakt_span text; /* process_rename: the new name; process_cgroup: the new cgroup's path */
  __u32 syscall_nr;      /* x86-64 number; VAKT_NO_SYSCALL when it came another way */
};

struct vakt_credentials {
  __u64 cap_effective;
  __u64 cap_permitted;
  __u64 cap_inheritable;
  __u64 cap_bounding;
  __u64 cap_ambient;
  __u32 uid;
  __u32 gid;
  __u32 euid;
  __u32 egid;
  __u32 suid;
  __u32 sgid;
  __u32 fsuid;
  __u32 fsgid;
};

struct vakt_process_credentials {
  struct vakt_header header;
  struct vakt_task task;
  __u64 args[VAKT_CALL_ARGS];
  __s64 result;
  struct vakt_credentials credentials; /* after the call */
  __u32 syscall_nr;
  __u32 reserved;
};

VAKT_STATIC_ASSERT(sizeof(struct vakt_process_fork) == 352, "process_fork");
VAKT_STATIC_ASSERT(sizeof(struct vakt_process_exec) == 296, "process_exec");
VAKT_STATIC_ASSERT(sizeof(struct vakt_process_exit) == 160, "process_exit");
VAKT_STATIC_ASSERT(sizeof(struct vakt_process_seed) == 280, "process_seed");
VAKT_STATIC_ASSERT(sizeof(struct vakt_call) == 272, "call");
VAKT_STATIC_ASSERT(sizeof(struct vakt_process_act) == 344, "process_act");
VAKT_STATIC_ASSERT(sizeof(struct vakt_credentials) == 72, "credentials");
VAKT_STATIC_ASSERT(sizeof(struct vakt_process_credentials) == 288, "process_credentials");

#endif /* VAKT_WIRE_PROCESS_H */
