/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * read_: facts from kernel objects into wire structs. A `task_struct *` here is a BTF pointer
 * (hook argument or current_task, kernel 5.11), so plain member access is checked by the verifier
 * and costs a load; pointers that come out of bpf_probe_read_kernel or arithmetic are followed with
 * BPF_CORE_READ. Hooks pass what they were given through untrusted_task first.
 */
#ifndef VAKT_BPF_READ_H
#define VAKT_BPF_READ_H

#include "bpf/lib/control.h"

#define PF_IO_WORKER 0x00000010
#define PF_KTHREAD 0x00200000
#define PIDTYPE_PGID 2
#define PIDTYPE_SID 3
#define TS_COMPAT 0x0002           /* arch/x86/include/asm/thread_info.h */
#define X32_SYSCALL_BIT 0x40000000 /* arch/x86/include/uapi/asm/unistd.h */
#define INIT_PID_NS 0xEFFFFFFCu    /* PROC_PID_INIT_INO */
#define I_CTIME_QUERIED (1u << 31) /* a flag in i_ctime_nsec since 6.13 (multigrain time stamps) */

/* Since 6.2. */
extern void *bpf_rdonly_cast(const void *object, __u32 btf_id) __ksym __weak;

/*
 * One member of a kernel object that is known by address only: a checked load where the kernel lets
 * us say what the address points to (1 ns), a copying helper elsewhere (20 to 30 ns). The verifier
 * removes the way that is not taken.
 */
#define READ_MEMBER(object, member)                                                      \
  (bpf_rdonly_cast                                                                       \
       ? ((typeof(object))bpf_rdonly_cast(object,                                        \
                                          bpf_core_type_id_kernel(typeof(*(object)))))   \
             ->member                                                                    \
       : BPF_CORE_READ(object, member))

/* The word at any address of the kernel; 0 when there is none. It is a number, also where the kernel has
 * a pointer. */
static __always_inline __u64 read_word(__u64 address) {
  __u64 word = 0;
  if (bpf_rdonly_cast) {
    struct timespec64 *at =
        bpf_rdonly_cast((void *)address, bpf_core_type_id_kernel(struct timespec64));
    return at->tv_sec;
  }
  bpf_probe_read_kernel(&word, sizeof(word), (void *)address);
  return word;
}

/* The 16 bytes at any address of the kernel: two checked loads where they are allowed, through a type
 * of the kernel's that happens to be two words. Bytes that are not there are zero, or it fails. */
static __always_inline bool read_two_words(__u64 words[2], const void *address) {
  if (bpf_rdonly_cast) {
    struct timespec64 *at =
        bpf_rdonly_cast(address, bpf_core_type_id_kernel(struct timespec64));
    words[0] = at->tv_sec;
    words[1] = at->tv_nsec;
    return true;
  }
  return bpf_probe_read_kernel(words, 2 * sizeof(*words), address) == 0;
}

/* The same task, as a pointer that the verifier does not trust. For every pointer that is loaded
 * through a trusted one it searches all type names of the kernel for rules about the field: 2 ms
 * each on 6.18, most of the agent's start. What we only read needs no trust. */
static __always_inline struct task_struct *untrusted_task(struct task_struct *task) {
  if (!bpf_rdonly_cast) return task;
  return bpf_rdonly_cast(task, bpf_core_type_id_kernel(struct task_struct));
}

static __always_inline struct task_struct *current_task(void) {
  return untrusted_task(bpf_get_current_task_btf());
}

static __always_inline __u64 read_cookie(struct task_struct *task) {
  struct task_struct *leader = task->group_leader;
  if (!leader || !task->tgid) return 0;
  return vakt_cookie(leader->start_boottime, task->tgid);
}

#define PID_LEVELS 64 /* a power of two above MAX_PID_NS_LEVEL, 32 (include/linux/pid_namespace.h) */

/* The task's number and namespace at the deepest level of `pid`: two words, the first holds the number. */
static __always_inline struct upid read_upid(struct pid *pid) {
  struct upid id = {};
  __u64 words[2] = {};
  if (!pid) return id;
  __u64 level = pid->level;
  asm volatile("" : "+r"(level)); /* the mask below is not the compiler's to drop */
  level &= PID_LEVELS - 1;        /* verifiers before 6.4 want to know how far the sum can go */
  read_two_words(words, (void *)((__u64)pid + bpf_core_field_offset(struct pid, numbers) +
                                 level * bpf_core_type_size(struct upid)));
  id.nr = words[0];
  id.ns = (void *)words[1];
  return id;
}

static __always_inline __u32 read_pid_ns(struct task_struct *task) {
  struct pid *pid = task->thread_pid;
  if (!pid) return 0;
  if (pid->level == 0) return INIT_PID_NS;
  struct upid id = read_upid(pid);
  return BPF_CORE_READ(id.ns, ns.inum);
}

static __always_inline __u64 read_cgroup_id(struct task_struct *task) {
  return task->cgroups->dfl_cgrp->kn->id;
}

static __always_inline __u8 read_abi(struct task_struct *task) {
  return task->thread_info.status & TS_COMPAT ? VAKT_ABI_I386 : VAKT_ABI_X86_64;
}

/* What a record tells of the process: whatever the agent goes on knowing of it. */
static __always_inline void read_identity(struct vakt_task *out, struct task_struct *task) {
  const struct cred *cred = task->cred;
  struct task_struct *leader = task->group_leader;
  out->cookie = read_cookie(task);
  out->parent_cookie = read_cookie(task->real_parent);
  out->cgroup_id = read_cgroup_id(task);
  out->euid = cred->euid.val;
  out->egid = cred->egid.val;
  out->exec_id = task->self_exec_id;
  __u64 *name = (__u64 *)out->process_comm;
  name[0] = *(__u64 *)&leader->comm[0];
  name[1] = *(__u64 *)&leader->comm[8];
}

/* A set of capabilities: one number since 6.3, two words before. */
#define READ_CAPABILITIES(cred, set)                                          \
  ({                                                                          \
    const struct cred___before_6_3 *old_ = (const void *)(cred);              \
    bpf_core_field_exists((cred)->set.val)                                    \
        ? (cred)->set.val                                                     \
        : (old_->set.cap[0] | (__u64)old_->set.cap[1] << 32);                 \
  })

static __always_inline void read_task(struct vakt_task *out, struct task_struct *task) {
  struct task_struct *parent = task->real_parent;
  const struct cred *cred = task->cred;
  struct nsproxy *ns = task->nsproxy;
  read_identity(out, task);
  out->fingerprint = 0;
  out->stack.offset = 0;
  out->stack.size = 0;
  out->cap_effective = READ_CAPABILITIES(cred, cap_effective);
  out->pid = task->tgid;
  out->tid = task->pid;
  out->ppid = parent->tgid;
  out->uid = cred->uid.val;
  out->gid = cred->gid.val;
  out->mnt_ns = ns ? ns->mnt_ns->ns.inum : 0; /* an exiting task has let go of its namespaces */
  out->net_ns = ns ? ns->net_ns->ns.inum : 0;
  out->pid_ns = read_pid_ns(task);
  out->user_ns = cred->user_ns->ns.inum;
  out->flags = task->flags & PF_KTHREAD ? VAKT_TASK_KTHREAD : 0;
  bpf_probe_read_kernel(out->comm, sizeof(out->comm), task->comm);
}

/* As user space writes device numbers (new_encode_dev); 0 without a terminal. */
static __always_inline __u32 read_tty(struct signal_struct *signal) {
  struct tty_struct *tty = signal->tty;
  if (!tty) return 0;
  struct tty_driver *driver = tty->driver;
  __u32 major = driver->major;
  __u32 minor = driver->minor_start + tty->index;
  return (minor & 0xff) | major << 8 | (minor & ~0xffu) << 12;
}

/* Everything but the cgroup's path. */
static __always_inline void read_facts(struct vakt_process_facts *out, struct task_struct *task) {
  struct task_struct *leader = task->group_leader;
  struct signal_struct *signal = task->signal;
  const struct cred *cred = task->cred;
  struct pid *group = signal->pids[PIDTYPE_PGID];
  struct pid *session = signal->pids[PIDTYPE_SID];
  out->start_boot_ns = leader->start_boottime;
  out->cap_permitted = READ_CAPABILITIES(cred, cap_permitted);
  out->cap_inheritable = READ_CAPABILITIES(cred, cap_inheritable);
  out->ns_pid = read_upid(leader->thread_pid).nr;
  out->pgid = group ? group->numbers[0].nr : 0;
  out->ns_pgid = read_upid(group).nr;
  out->session_id = session ? session->numbers[0].nr : 0;
  out->ns_session_id = read_upid(session).nr;
  out->login_uid = task->loginuid.val;
  out->tty = read_tty(signal);
  out->cgroup_path.offset = 0;
  out->cgroup_path.size = 0;
}

static __always_inline void read_times(struct vakt_file *out, struct inode *inode) {
  struct inode___before_6_6 *older = (void *)inode;
  struct inode___before_6_11 *old = (void *)inode;
  if (bpf_core_field_exists(inode->i_ctime_sec)) {
    out->ctime_ns = READ_MEMBER(inode, i_ctime_sec) * 1000000000ll +
                    (READ_MEMBER(inode, i_ctime_nsec) & ~I_CTIME_QUERIED);
    out->mtime_ns = READ_MEMBER(inode, i_mtime_sec) * 1000000000ll +
                    READ_MEMBER(inode, i_mtime_nsec);
  } else if (bpf_core_field_exists(old->__i_ctime)) {
    struct timespec64 c = BPF_CORE_READ(old, __i_ctime), m = BPF_CORE_READ(old, __i_mtime);
    out->ctime_ns = c.tv_sec * 1000000000ll + c.tv_nsec;
    out->mtime_ns = m.tv_sec * 1000000000ll + m.tv_nsec;
  } else {
    struct timespec64 c = BPF_CORE_READ(older, i_ctime), m = BPF_CORE_READ(older, i_mtime);
    out->ctime_ns = c.tv_sec * 1000000000ll + c.tv_nsec;
    out->mtime_ns = m.tv_sec * 1000000000ll + m.tv_nsec;
  }
}

/* Inode facts; the path is put by put_path. */
static __always_inline void read_inode(struct vakt_file *out, struct inode *inode) {
  out->ino = READ_MEMBER(inode, i_ino);
  struct super_block *super = READ_MEMBER(inode, i_sb);
  out->dev = READ_MEMBER(super, s_dev);
  out->nlink = READ_MEMBER(inode, i_nlink);
  out->mode = READ_MEMBER(inode, i_mode);
  out->uid = READ_MEMBER(inode, i_uid.val);
  read_times(out, inode);
}

static __always_inline void read_file(struct vakt_file *out, struct file *file) {
  read_inode(out, READ_MEMBER(file, f_inode));
}

/* The open file behind a descriptor of `task`; null when there is none. */
static __always_inline struct file *read_fd(struct task_struct *task, __u32 fd) {
  struct fdtable *table = task->files->fdt;
  if (fd >= table->max_fds) return 0;
  __u64 slot[2] = {};
  read_two_words(slot, (void *)((__u64)table->fd + (__u64)fd * sizeof(struct file *)));
  return (void *)slot[0];
}

#endif /* VAKT_BPF_READ_H */
