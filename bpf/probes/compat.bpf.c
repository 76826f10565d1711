// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/*
 * Calls on files by the 32-bit ABI (int 0x80), coverage: strict. Compat calls have no tracepoints of
 * their own, so this one sees the exit of every system call of the machine and lets go of the native
 * ones at once; that still taxes each of them, which is why it is a mode. What is 32-bit is described
 * as the native call that does the same, with the abi told. Sockets need none of it: their hooks see
 * all ABIs.
 */
#include "bpf/lib/call.h"

#define I386_CALLS 512
#define I386_truncate64 193
#define I386_ftruncate64 194

/* x86-64 number by i386 number (arch/x86/entry/syscalls/syscall_32.tbl); 0: not reported here. */
static const __u16 native_nr[I386_CALLS] = {
    /* open       */ [5] = SYS_open,
    /* creat      */ [8] = SYS_creat,
    /* link       */ [9] = 86,
    /* unlink     */ [10] = 87,
    /* mknod      */ [14] = 133,
    /* chmod      */ [15] = 90,
    /* lchown     */ [16] = 94,
    /* mount      */ [21] = 165,
    /* rename     */ [38] = 82,
    /* mkdir      */ [39] = 83,
    /* rmdir      */ [40] = 84,
    /* dup        */ [41] = SYS_dup,
    /* umount2    */ [52] = 166,
    /* fcntl      */ [55] = SYS_fcntl,
    /* chroot     */ [61] = SYS_chroot,
    /* dup2       */ [63] = SYS_dup2,
    /* symlink    */ [83] = 88,
    /* truncate   */ [92] = 76,
    /* ftruncate  */ [93] = 77,
    /* fchmod     */ [94] = 91,
    /* fchown     */ [95] = 93,
    /* chown      */ [182] = 92,
    /* truncate64 */ [I386_truncate64] = 76,
    /* ftruncate64 */ [I386_ftruncate64] = 77,
    /* lchown32   */ [198] = 94,
    /* fchown32   */ [207] = 93,
    /* chown32    */ [212] = 92,
    /* pivot_root */ [217] = 155,
    /* fcntl64    */ [221] = SYS_fcntl,
    /* setxattr   */ [226] = 188,
    /* lsetxattr  */ [227] = 189,
    /* fsetxattr  */ [228] = 190,
    /* removexattr  */ [235] = 197,
    /* lremovexattr */ [236] = 198,
    /* fremovexattr */ [237] = 199,
    /* openat     */ [295] = SYS_openat,
    /* mkdirat    */ [296] = 258,
    /* mknodat    */ [297] = 259,
    /* fchownat   */ [298] = 260,
    /* unlinkat   */ [301] = 263,
    /* renameat   */ [302] = 264,
    /* linkat     */ [303] = 265,
    /* symlinkat  */ [304] = 266,
    /* fchmodat   */ [306] = 268,
    /* dup3       */ [330] = SYS_dup3,
    /* open_by_handle_at */ [342] = SYS_open_by_handle_at,
    /* renameat2  */ [353] = 316,
    /* open_tree  */ [428] = 428,
    /* move_mount */ [429] = 429,
    /* fsopen     */ [430] = 430,
    /* fsmount    */ [432] = 432,
    /* openat2    */ [437] = SYS_openat2,
    /* mount_setattr  */ [442] = 442,
    /* fchmodat2  */ [452] = 452,
    /* setxattrat */ [463] = 463,
    /* removexattrat  */ [466] = 466,
    /* open_tree_attr */ [467] = 467,
};

static __always_inline void read_compat_call(struct call *c, struct pt_regs *regs, __u32 i386_nr,
                                             __u32 nr, __s64 result) {
  c->arg[0] = 0;
  c->arg[1] = (__u32)regs->bx;
  c->arg[2] = (__u32)regs->cx;
  c->arg[3] = (__u32)regs->dx;
  c->arg[4] = (__u32)regs->si;
  c->arg[5] = (__u32)regs->di;
  c->arg[6] = (__u32)regs->bp;
  c->arg[7] = 0;
  if (i386_nr == I386_truncate64 || i386_nr == I386_ftruncate64) c->arg[2] |= c->arg[3] << 32;
  c->result = (__s32)result;
  c->nr = nr;
  c->abi = VAKT_ABI_I386;
  c->facts = 0;
}

/* A global function, so that the verifier looks at it by itself. */
__attribute__((noinline)) int emit_compat_call(struct call *c) {
  struct task_struct *task = current_task();
  if (!c) return 0;
  switch (c->nr) {
    case SYS_open:
    case SYS_creat:
    case SYS_openat:
    case SYS_openat2:
    case SYS_open_by_handle_at: {
      struct prefilter filter;
      if (emit_candidate(KIND_file_open, &filter))
        emit_file_open(c, &filter, task, c->result >= 0 ? read_fd(task, c->result) : 0);
      return 0;
    }
    case SYS_dup:
    case SYS_dup2:
    case SYS_dup3:
    case SYS_fcntl:
      return emit_network_dup(c);
    default:
      return emit_file_change(c);
  }
}

/* kernel/entry/common.c, the exit of each system call. */
SEC("tp_btf/sys_exit")
int BPF_PROG(compat_call, struct pt_regs *regs, long result) {
  struct task_struct *task = bpf_get_current_task_btf();
  if (read_abi(task) != VAKT_ABI_I386) return 0;
  struct pt_regs *own = task_regs();
  __u32 i386_nr = own->orig_ax;
  __u32 nr = native_nr[i386_nr & (I386_CALLS - 1)];
  struct call c;
  if (!nr || i386_nr >= I386_CALLS) return 0;
  read_compat_call(&c, own, i386_nr, nr, result);
  emit_compat_call(&c);
  return 0;
}
