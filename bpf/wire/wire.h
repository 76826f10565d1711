/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * What the probes and the agent share: record layouts, the control block, counters.
 *
 * Both sides ship as one binary, so nothing here is stable across versions. Rules: fixed-width
 * __uN, explicit padding, no bool, enum, pointer, bitfield or packed attribute. All structs have
 * the same layout in C (BPF) and C++ (x86-64): sizes are asserted below by both compilers.
 *
 * A record in a ring: a kind's struct, then a tail of byte strings. A string is found by a
 * vakt_span (offset from the record's start, size). Spans are untrusted: check before use. Here is
 * what all kinds share; the structs of the kinds are in process.h, file.h and network.h, which are
 * included at the end.
 */
#ifndef VAKT_WIRE_H
#define VAKT_WIRE_H

#ifdef __bpf__
#include "bpf/lib/kernel_types.h"
#define VAKT_STATIC_ASSERT(c, text) _Static_assert(c, text)
#else
#include <linux/types.h>
#include <stddef.h>
#define VAKT_STATIC_ASSERT(c, text) static_assert(c, text)
#endif

#define VAKT_COMM_SIZE 16
#define VAKT_PATH_MAX 4096    /* PATH_MAX of the kernel */
#define VAKT_ARGV_MAX 16384   /* argv bytes kept per exec; the rest sets a flag */
#define VAKT_ENV_MAX 4096     /* bytes kept of an environment */
#define VAKT_CGROUP_PATH_MAX 512
#define VAKT_KIND_MAX 64      /* kinds fit a 64-bit mask */

#define VAKT_LANE_CRITICAL 0
#define VAKT_LANE_BULK 1
#define VAKT_LANES 2

/* Why a hook hit did not become a record. */
#define VAKT_LOST_RING_FULL 0
#define VAKT_LOST_SCRATCH_BUSY 1
#define VAKT_LOST_TABLE_FULL 2
#define VAKT_LOST_REASONS 3

/* Which ABI the act came through. */
#define VAKT_ABI_X86_64 1
#define VAKT_ABI_I386 2
#define VAKT_ABI_X32 3
#define VAKT_ABI_IO_URING 4

struct vakt_span {
  __u16 offset; /* from the start of the record; 0 when absent */
  __u16 size;   /* bytes, no terminator */
};

struct vakt_header {
  __u16 kind;    /* events.def id */
  __u8 lane;
  __u8 abi;      /* VAKT_ABI_* */
  __u32 cpu;
  __u64 seq;     /* per (cpu, lane), from 1, taken before the ring is asked for room */
  __u64 boot_ns; /* bpf_ktime_get_boot_ns */
};

#define VAKT_TASK_KTHREAD 1u /* PF_KTHREAD */

/* The acting thread, at the moment of the event. pid is the host's tgid. */
struct vakt_task {
  __u64 fingerprint;   /* of what this says about the process (bpf/lib/prefilter.h); 0: not made */
  __u64 cookie;        /* vakt_cookie(start_boottime of the group leader, tgid) */
  __u64 parent_cookie; /* of real_parent's group; 0 for the idle task */
  __u64 cgroup_id;
  __u64 cap_effective;
  __u32 pid;
  __u32 tid;
  __u32 ppid;
  __u32 uid;
  __u32 gid;
  __u32 euid;
  __u32 egid;
  __u32 mnt_ns;
  __u32 pid_ns;
  __u32 net_ns;
  __u32 user_ns;
  __u32 flags;   /* VAKT_TASK_* */
  __u32 exec_id; /* how many programs the process and its ancestors have started (self_exec_id) */
  struct vakt_span stack; /* of the record's actor: bpf/wire/stack.h; absent when not captured */
  char comm[VAKT_COMM_SIZE];         /* of the thread */
  char process_comm[VAKT_COMM_SIZE]; /* of the main thread: the process's name */
};

/* What changes only at fork and exec. */
struct vakt_process_facts {
  __u64 start_boot_ns; /* group leader's start_boottime */
  __u64 cap_permitted;
  __u64 cap_inheritable;
  __u32 ns_pid;
  __u32 pgid;
  __u32 ns_pgid;
  __u32 session_id;
  __u32 ns_session_id;
  __u32 login_uid;
  __u32 tty; /* MKDEV number as user space encodes it (new_encode_dev); 0 when none */
  struct vakt_span cgroup_path;
};

#define VAKT_PATH_OK 1
#define VAKT_PATH_TRUNCATED 2
#define VAKT_PATH_UNREACHABLE 3 /* the walk ended at a root that is not the task's */
/* 4: user space's word for a path that it made from an argument */
#define VAKT_PATH_DELETED 5 /* the name is gone */

struct vakt_file {
  __u64 ino;
  __s64 ctime_ns; /* CLOCK_REALTIME */
  __s64 mtime_ns;
  __u32 dev;      /* s_dev: major << 20 | minor */
  __u32 nlink;
  __u32 mode;     /* i_mode; 0 when there is no file (failed open) */
  __u32 uid;
  struct vakt_span path; /* relative to the task's root, e.g. "/etc/passwd" */
  struct vakt_span outer_path; /* from the mount namespace's root; absent when the roots are one */
  __u32 path_status;     /* VAKT_PATH_* */
  __u32 reserved;
};

/* Control block, written by the agent, read by the probes: element 0 of the array map `control`. */
struct vakt_control {
  __u64 kind_mask;        /* bit per kind id: emit this kind; bit 0: sum up flows */
  __u64 exit_kinds;       /* bit per kind id: the exits of its calls are watched */
  __u64 stack_kinds;      /* bit per kind id: its records tell where the call was made */
  __u64 scope_cgroup_id;  /* 0: the whole node */
  __u32 scope_level;      /* depth of the scope's cgroup below the hierarchy's root */
  __u32 consumer_sleeps;  /* set while the agent waits: submit with a forced wakeup */
  __u32 wake_fill_bytes;  /* wake the consumer when a ring holds more than this */
  __u32 scratch_slots;    /* elements of the map `scratch_slots` */
  __u32 capture_environment; /* 1: program starts tell their environment */
  __u32 reserved;
  __u64 prefilter_version; /* of the tables to use (bpf/wire/prefilter.h); 0: everything is sent */
};

/*
 * Counters: array map `cpu_state`, one element per possible CPU, each on its own cache lines,
 * mapped into the agent. All are incremented atomically by the probes.
 *   hits[k] == filtered[k] + submitted[k] + sum over r of lost[k][r], whenever no hook is running.
 */
struct vakt_cpu_state {
  __u64 seq[VAKT_LANES]; /* last number taken */
  __u64 hits[VAKT_KIND_MAX];
  __u64 filtered[VAKT_KIND_MAX];
  __u64 submitted[VAKT_KIND_MAX];
  __u64 lost[VAKT_KIND_MAX][VAKT_LOST_REASONS];
  __u64 reserved[6]; /* to a multiple of 64 bytes */
};

/* 42 bits of 8.2 us since boot and 22 of tgid (PID_MAX_LIMIT). To make a process, let it end and give
 * its pid to the next one takes longer than that, even for who may choose pids (ns_last_pid); so the
 * pair is unique, and an agent restart changes nothing. The time comes round after 417 days. */
static inline __u64 vakt_cookie(__u64 start_boot_ns, __u32 tgid) {
  return (start_boot_ns >> 13) << 22 | (tgid & 0x3fffff);
}

VAKT_STATIC_ASSERT(sizeof(struct vakt_header) == 24, "header");
VAKT_STATIC_ASSERT(sizeof(struct vakt_task) == 128, "task");
VAKT_STATIC_ASSERT(sizeof(struct vakt_process_facts) == 56, "facts");
VAKT_STATIC_ASSERT(sizeof(struct vakt_file) == 56, "file");
VAKT_STATIC_ASSERT(sizeof(struct vakt_control) == 64, "control");
VAKT_STATIC_ASSERT(sizeof(struct vakt_cpu_state) % 64 == 0, "one CPU's counters own their lines");

#include "bpf/wire/file.h"
#include "bpf/wire/flow.h"
#include "bpf/wire/network.h"
#include "bpf/wire/process.h"
#include "bpf/wire/stack.h"

#endif /* VAKT_WIRE_H */
