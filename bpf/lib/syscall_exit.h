/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * Hooks on the exits of system calls, in two tiers with one body and so the same content.
 *
 * Tracepoint tier: sys_exit_openat and the like. The first one that is attached slows every system
 * call of the machine.
 *
 * Inline tier: the end of the call's own function (__x64_sys_openat), by fexit: no other call pays.
 * A fexit program is bound to one function when it is loaded, and some bodies serve dozens. So the
 * verifier sees each body once: it is put into `inline_exits`, and each function gets a program of
 * six instructions that jumps there (agent/sensor/inline_exits.h).
 */
#ifndef VAKT_BPF_SYSCALL_EXIT_H
#define VAKT_BPF_SYSCALL_EXIT_H

#include "bpf/lib/read.h"

#define VAKT_INLINE_EXITS 16

struct {
  __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
  __uint(max_entries, VAKT_INLINE_EXITS);
  __uint(key_size, sizeof(__u32));
  __uint(value_size, sizeof(__u32));
} inline_exits SEC(".maps");

/* What a tracepoint's body reads, from the function's argument and result. */
static __always_inline struct trace_event_raw_sys_exit inline_exit(__u64 *ctx) {
  struct pt_regs *regs = (void *)ctx[0];
  struct trace_event_raw_sys_exit exit = {
      .id = regs->orig_ax & ~X32_SYSCALL_BIT,
      .ret = ctx[1],
  };
  return exit;
}

#define INLINE_EXIT(name, function, body)                    \
  SEC("?fexit/" function)                                    \
  int name(__u64 *ctx) {                                     \
    struct trace_event_raw_sys_exit exit = inline_exit(ctx); \
    return body(&exit);                                      \
  }

/* The programs `name` and `name`_inline. Which tracepoint and function are named here does not
 * matter, but that the function's argument has the name that it has in nearly all of them: the
 * kernel compares prototypes. */
#define SYSCALL_EXIT(name, body)                   \
  SEC("tracepoint/syscalls/sys_exit_close")        \
  int name(struct trace_event_raw_sys_exit *ctx) { \
    return body(ctx);                              \
  }                                                \
  INLINE_EXIT(name##_inline, "__x64_sys_close", body)

/* Of a call without arguments: the prototype of its function is another, so it has a program of its
 * own, `name`_inline_`call`. */
#define SYSCALL_EXIT_OF(name, call, body) \
  INLINE_EXIT(name##_inline_##call, "__x64_sys_" #call, body)

#endif /* VAKT_BPF_SYSCALL_EXIT_H */
