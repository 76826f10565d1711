/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * The kernel types that the probes read, with the fields they read and no others. Layouts are
 * relocated at load time (CO-RE), so the order and the gaps here mean nothing, and the object does
 * not depend on the kernel of the machine that built it. A `___suffix` marks an older or newer
 * shape of the same type.
 */
#ifndef VAKT_BPF_KERNEL_TYPES_H
#define VAKT_BPF_KERNEL_TYPES_H

typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;
typedef signed char __s8;
typedef short __s16;
typedef int __s32;
typedef long long __s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;
typedef __u16 __sum16;
typedef int pid_t;
typedef _Bool bool;
enum { false = 0, true = 1 };

enum bpf_map_type {
  BPF_MAP_TYPE_HASH = 1,
  BPF_MAP_TYPE_ARRAY = 2,
  BPF_MAP_TYPE_PROG_ARRAY = 3,
  BPF_MAP_TYPE_LRU_HASH = 9,
  BPF_MAP_TYPE_ARRAY_OF_MAPS = 12,
  BPF_MAP_TYPE_RINGBUF = 27,
  BPF_MAP_TYPE_TASK_STORAGE = 29,
};
enum {
  BPF_ANY = 0,
  BPF_NOEXIST = 1,
  BPF_F_NO_PREALLOC = 1,
  BPF_F_MMAPABLE = 1 << 10,
  BPF_RB_NO_WAKEUP = 1,
  BPF_RB_FORCE_WAKEUP = 2,
  BPF_RB_AVAIL_DATA = 0,
  BPF_F_USER_STACK = 1 << 8,
  BPF_F_USER_BUILD_ID = 1 << 11,
  BPF_LOCAL_STORAGE_GET_F_CREATE = 1,
};

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

typedef struct {
  __u32 val;
} kuid_t;
typedef struct {
  __u32 val;
} kgid_t;
typedef struct {
  int counter;
} atomic_t;
/* Before 6.3 another type: READ_CAPABILITIES. */
typedef struct {
  __u64 val;
} kernel_cap_t;

struct ns_common {
  unsigned int inum;
};
struct mnt_namespace {
  struct ns_common ns;
};
struct pid_namespace {
  struct ns_common ns;
};
struct user_namespace {
  struct ns_common ns;
};
struct net {
  struct ns_common ns;
};
struct nsproxy {
  struct mnt_namespace *mnt_ns;
  struct net *net_ns;
};

struct upid {
  int nr;
  struct pid_namespace *ns;
};
struct pid {
  unsigned int level;
  struct upid numbers[1];
};

struct cred {
  kuid_t uid;
  kgid_t gid;
  kuid_t suid;
  kgid_t sgid;
  kuid_t euid;
  kgid_t egid;
  kuid_t fsuid;
  kgid_t fsgid;
  kernel_cap_t cap_inheritable;
  kernel_cap_t cap_permitted;
  kernel_cap_t cap_effective;
  kernel_cap_t cap_bset;
  kernel_cap_t cap_ambient;
  struct user_namespace *user_ns;
};
/* Before kernel commit f122a08b197d ("capability: just use a 'u64' instead of a 'u32[2]' array"). */
struct kernel_cap___before_6_3 {
  __u32 cap[2];
};
struct cred___before_6_3 {
  struct kernel_cap___before_6_3 cap_inheritable;
  struct kernel_cap___before_6_3 cap_permitted;
  struct kernel_cap___before_6_3 cap_effective;
  struct kernel_cap___before_6_3 cap_bset;
  struct kernel_cap___before_6_3 cap_ambient;
};

struct tty_driver {
  int major;
  int minor_start;
};
struct tty_struct {
  struct tty_driver *driver;
  int index;
};
struct signal_struct {
  atomic_t live;
  struct pid *pids[4];
  struct tty_struct *tty;
};

struct kernfs_node {
  struct kernfs_node *__parent; /* since 6.15 */
  const char *name;
  __u64 id;
};
struct kernfs_node___before_6_15 {
  struct kernfs_node *parent;
};
struct cgroup {
  struct kernfs_node *kn;
  int level;
  struct cgroup *ancestors[]; /* since 6.1; the root is the first */
};
struct sock_cgroup_data {
  struct cgroup *cgroup;
};
struct css_set {
  struct cgroup *dfl_cgrp;
};

struct qstr {
  __u32 hash; /* of the name, with the directory's address */
  __u32 len;
  const unsigned char *name;
};
struct super_block {
  __u32 s_dev;
  unsigned long s_magic;
};
struct inode {
  unsigned short i_mode;
  kuid_t i_uid;
  kgid_t i_gid;
  struct super_block *i_sb;
  unsigned long i_ino;
  unsigned int i_nlink;
  void *i_private;
  /* since 6.11 */
  __s64 i_mtime_sec;
  __s64 i_ctime_sec;
  __u32 i_mtime_nsec;
  __u32 i_ctime_nsec;
};
struct timespec64 {
  __s64 tv_sec;
  long tv_nsec;
};
struct inode___before_6_6 {
  struct timespec64 i_mtime;
  struct timespec64 i_ctime;
};
struct inode___before_6_11 {
  struct timespec64 __i_mtime;
  struct timespec64 __i_ctime;
};
struct hlist_bl_node {
  struct hlist_bl_node **pprev;
};
struct seqcount {
  unsigned int sequence;
};
struct seqcount_spinlock {
  struct seqcount seqcount;
};
struct dentry {
  struct seqcount_spinlock d_seq;
  struct hlist_bl_node d_hash;
  struct dentry *d_parent;
  struct qstr d_name;
  struct inode *d_inode;
};
struct vfsmount {
  struct dentry *mnt_root;
};
struct mount {
  struct mount *mnt_parent;
  struct dentry *mnt_mountpoint;
  struct vfsmount mnt;
};
struct path {
  struct vfsmount *mnt;
  struct dentry *dentry;
};
struct file {
  struct path f_path;
  struct inode *f_inode;
  unsigned int f_flags;
  unsigned int f_mode;
  void *private_data; /* of a socket: struct socket */
};
struct fdtable {
  unsigned int max_fds;
  struct file **fd;
};
struct files_struct {
  struct fdtable *fdt;
};
struct fs_struct {
  struct path root;
  struct path pwd;
};
struct vm_area_struct {
  struct file *vm_file;
  const void *vm_ops; /* none: anonymous memory */
  void *vm_private_data;
};
/* What the kernel itself maps into a process: the vdso and its like. */
struct vm_special_mapping {
  const char *name;
};
struct mm_struct {
  unsigned long arg_start;
  unsigned long arg_end;
  unsigned long env_start;
  unsigned long env_end;
  struct file *exe_file;
};
struct linux_binprm {
  const char *filename;
  const char *interp; /* the same string as filename unless it is a script */
  const char *fdpath; /* execveat below a descriptor: the "/dev/fd/N..." name */
};

struct thread_info {
  __u32 status;
};
struct task_struct {
  struct thread_info thread_info;
  unsigned int flags;
  struct mm_struct *mm;
  int exit_code;
  pid_t pid;
  pid_t tgid;
  struct task_struct *real_parent;
  struct task_struct *group_leader;
  struct pid *thread_pid;
  __u64 start_boottime;
  __u32 self_exec_id; /* 64 bits since 5.7: the lower half will do */
  const struct cred *cred;
  char comm[16];
  struct fs_struct *fs;
  struct files_struct *files;
  struct nsproxy *nsproxy;
  struct signal_struct *signal;
  kuid_t loginuid;
  struct css_set *cgroups;
};

struct kernel_siginfo {
  int si_code;
};
struct module {
  char name[56];
};

struct pt_regs {
  unsigned long bp;
  unsigned long cx;
  unsigned long bx;
  unsigned long r10;
  unsigned long r9;
  unsigned long r8;
  unsigned long ax;
  unsigned long dx;
  unsigned long si;
  unsigned long di;
  unsigned long orig_ax;
  unsigned long ip;
};

struct in6_addr {
  union {
    __u8 u6_addr8[16];
    __be32 u6_addr32[4];
  } in6_u;
};
typedef struct {
  struct net *net;
} possible_net_t;
struct sock_common {
  possible_net_t skc_net;
  __be32 skc_daddr;
  __be32 skc_rcv_saddr;
  __be16 skc_dport;
  __u16 skc_num;
  unsigned short skc_family;
  unsigned char skc_state;
  unsigned long skc_flags; /* a bit per enum sock_flags */
  struct in6_addr skc_v6_daddr;
  struct in6_addr skc_v6_rcv_saddr;
};
struct sock;
struct socket {
  short type;
  struct sock *sk;
};
struct sock {
  struct sock_common __sk_common;
  int sk_err;
  __u8 sk_userlocks : 4;
  struct socket *sk_socket;
  __u16 sk_type;
  __u16 sk_protocol;
  __u32 sk_max_ack_backlog;
  struct sock_cgroup_data sk_cgrp_data; /* of who made it, or listened for it */
};
struct unix_address {
  int len; /* of the family and the name */
};
struct unix_sock {
  struct unix_address *addr;
  struct path path; /* of a bound socket in the file system */
  struct sock *peer;
};
struct filename {
  const char *uptr; /* the argument, in user memory */
};
struct io_rsrc_node {
  unsigned long file_ptr; /* with flags in the lowest bits */
};
struct io_rsrc_data {
  unsigned int nr;
  struct io_rsrc_node **nodes;
};
struct io_file_table {
  struct io_rsrc_data data;
};
struct io_ring_ctx {
  struct io_file_table file_table;
};
struct io_file_table___to_6_12 {
  void *files; /* struct io_fixed_file: a pointer with flags in the lowest bits */
};
struct io_ring_ctx___to_6_12 {
  struct io_file_table___to_6_12 file_table;
  unsigned int nr_user_files;
};
struct io_kiocb {
  __u8 opcode;
  __u64 flags; /* a union of the request's own kind lies at its start */
};
struct io_uring_cqe {
  __s32 res;
};
struct open_how {
  __u64 flags;
  __u64 mode;
  __u64 resolve;
};
struct io_open {
  int dfd;
  __u32 file_slot;
  struct filename *filename;
  struct open_how how;
};
struct io_unlink {
  int dfd;
  int flags;
  struct filename *filename;
};
struct io_rename {
  int old_dfd;
  int new_dfd;
  struct filename *oldpath;
  struct filename *newpath;
  int flags;
};
struct io_mkdir {
  int dfd;
  unsigned short mode;
  struct filename *filename;
};
struct io_link { /* also of symlink */
  int old_dfd;
  int new_dfd;
  struct filename *oldpath;
  struct filename *newpath;
  int flags;
};
struct io_ftrunc {
  struct file *file;
  __s64 len;
};
struct io_socket {
  int domain;
  int type;
  int protocol;
};

struct bpf_sock_addr_kern {
  struct sock *sk;
  void *uaddr;
  __u32 uaddrlen;
};

struct inet_sock {
  __be16 inet_sport;
};
struct tcp_sock {
  __u64 bytes_sent; /* payload, with retransmissions */
  __u64 bytes_retrans;
  __u64 bytes_received;
  __u32 segs_in;
  __u32 segs_out;
  __u32 total_retrans;
};
struct inet_connection_sock {
  void *icsk_ulp_data; /* of a connection of MPTCP: its mptcp_subflow_context */
};
struct mptcp_subflow_context {
  struct sock *conn; /* the MPTCP socket */
};
struct mptcp_sock {
  struct sock *first; /* the connection that was there first; null once it has gone */
};
struct udp_sock {
  __u16 gso_size;
};

struct seq_file;
struct bpf_iter_meta {
  struct seq_file *seq;
  __u64 session_id;
  __u64 seq_num;
};
struct bpf_iter__task {
  struct bpf_iter_meta *meta;
  struct task_struct *task;
};
struct bpf_iter__task_file {
  struct bpf_iter_meta *meta;
  struct task_struct *task;
  __u32 fd;
  struct file *file;
};
struct bpf_map;
struct bpf_iter__bpf_map_elem {
  struct bpf_iter_meta *meta;
  struct bpf_map *map;
  void *key;
  void *value;
};

struct trace_entry {
  unsigned short type;
  unsigned char flags;
  unsigned char preempt_count;
  int pid;
};
struct trace_event_raw_sys_exit {
  struct trace_entry ent;
  long id;
  long ret;
};

#pragma clang attribute pop

/* User API: fixed layout. */
struct bpf_sock {
  __u32 bound_dev_if;
  __u32 family;
  __u32 type;
  __u32 protocol;
  __u32 mark;
  __u32 priority;
  __u32 src_ip4;
  __u32 src_ip6[4];
  __u32 src_port; /* host order */
};
struct bpf_sock_addr {
  __u32 user_family;
  __u32 user_ip4;
  __u32 user_ip6[4];
  __u32 user_port;
  __u32 family;
  __u32 type;
  __u32 protocol;
  __u32 msg_src_ip4;
  __u32 msg_src_ip6[4];
  __u64 sk __attribute__((aligned(8))); /* struct bpf_sock */
};

#endif /* VAKT_BPF_KERNEL_TYPES_H */
