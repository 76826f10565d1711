/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * Hooks on the exits of system calls, in two tiers with one body and so the same content.
 *
 * Tracepoint tier: sys_exit_openat and the like. The first one that is attached slows every system
 * call of the machine.
 *
 * Inline tier: the end of the call's own function (__x64_sys_openat): no other call pays. By fexit,
 * where the kernel's type information has the function. A fexit program is bound to one function when
 * it is loaded, and some bodies serve dozens. So the verifier sees each body once: it is put into
 * `inline_exits`, and each function gets a program of six instructions that jumps there
 * (agent/sensor/inline_exits.h). Functions that a kernel may be built without (kernel/sys_ni.c has a
 * second one of each name) are missing in the type information: those are hooked by their symbol
 * (kprobe.multi, 5.18; without fprobes in the kernel, a kretprobe), which costs some more.
 */
#ifndef VAKT_BPF_SYSCALL_EXIT_H
#define VAKT_BPF_SYSCALL_EXIT_H

#include "bpf/lib/read.h"

#define VAKT_INLINE_EXITS 32

struct {
  __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
  __uint(max_entries, VAKT_INLINE_EXITS);
  __uint(key_size, sizeof(__u32));
  __uint(value_size, sizeof(__u32));
} inline_exits SEC(".maps");

/* What a tracepoint's body reads. */
static __always_inline struct trace_event_raw_sys_exit inline_exit(struct pt_regs *regs, long result) {
  struct trace_event_raw_sys_exit exit = {.id = regs->orig_ax & ~X32_SYSCALL_BIT, .ret = result};
  return exit;
}

/* The programs `name`, `name`_inline and `name`_return. Which tracepoint and function are named here
 * does not matter, but that the function's argument has the name that it has in all the others: the
 * kernel compares prototypes. */
#define SYSCALL_EXIT(name, body)                                                       \
  SEC("tracepoint/syscalls/sys_exit_close")                                            \
  int name(struct trace_event_raw_sys_exit *ctx) {                                     \
    return body(ctx);                                                                  \
  }                                                                                    \
  SEC("?fexit/__x64_sys_close")                                                        \
  int name##_inline(__u64 *ctx) { /* the function's argument, its result */            \
    struct trace_event_raw_sys_exit exit = inline_exit((void *)ctx[0], ctx[1]);        \
    return body(&exit);                                                                \
  }                                                                                    \
  SEC("?kretprobe.multi/__x64_sys_close")                                              \
  int name##_return(struct pt_regs *ctx) { /* the kernel's registers at the return */  \
    struct pt_regs *regs = (void *)bpf_task_pt_regs(bpf_get_current_task_btf());       \
    struct trace_event_raw_sys_exit exit = inline_exit(regs, ctx->ax);                 \
    return body(&exit);                                                                \
  }

#endif /* VAKT_BPF_SYSCALL_EXIT_H */
