// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/*
 * System calls that are of interest for themselves: each at its exit, attached when a rule asks for
 * its event type. Not seen here: 32-bit and x32 calls.
 */
#include "bpf/lib/call_table.h"

#define BPF_MAP_CREATE 0
#define BPF_PROG_LOAD 5

/* bpf: args[3] is the type of the program (BPF_PROG_LOAD) or map (BPF_MAP_CREATE), the text its
 * name. Offsets in union bpf_attr of linux/bpf.h. */
static __always_inline __u64 read_bpf_attr(struct vakt_call *r) {
  __u64 attr = r->args[1];
  r->args[3] = 0;
  if (r->args[0] != BPF_PROG_LOAD && r->args[0] != BPF_MAP_CREATE) return 0;
  r->args[3] = user_u32(attr);
  return attr + (r->args[0] == BPF_PROG_LOAD ? 48 : 28);
}

/* Arguments that point to a structure give way to what matters in it. Returns where the call's
 * string is when no argument of its own says so. */
static __always_inline __u64 read_pointed(struct vakt_call *r, __u32 kind) {
  __u64 *args = r->args;
  switch (kind) {
    case KIND_kernel_bpf:
      return read_bpf_attr(r);
    case KIND_process_prctl:
      return args[0] == PR_SET_NAME ? args[1] : 0;
    case KIND_kernel_perf: { /* args[0]: perf_event_attr.type; args[5]: its config */
      args[5] = user_u64(args[0] + 8);
      args[0] = user_u32(args[0]);
      return 0;
    }
    case KIND_kernel_io_uring: { /* io_uring_params: args[1] flags, [2] sq_, [3] cq_entries, [4] features */
      __u64 params = args[1];
      args[1] = user_u32(params + 8);
      args[2] = user_u32(params);
      args[3] = user_u32(params + 4);
      args[4] = user_u32(params + 20);
      return 0;
    }
    case KIND_kernel_time: { /* args[1]: the new time, in seconds; args[0]: the clock */
      bool of_day = r->syscall_nr == SYS_settimeofday;
      args[1] = user_u64(of_day ? args[0] : args[1]);
      if (of_day) args[0] = 0;
      return 0;
    }
    default:
      return 0;
  }
}

static __always_inline __u32 put_call_file(struct scratch *s, __u32 end, struct vakt_call *r,
                                           struct task_struct *task, __u32 fd) {
  struct file *file = read_fd(task, fd);
  if (!file) return end;
  read_file(&r->file, file);
  return put_file_path(s, end, &r->file, task, file);
}

static __always_inline int emit_call(const struct call_row *row, __u32 nr, __s64 result,
                                     struct pt_regs *regs, const char *kernel_text) {
  __u32 kind = row->kind & (VAKT_KIND_MAX - 1);
  if (!emit_wanted(kind)) return 0;
  struct task_struct *task = current_task();
  struct vakt_header h;
  struct scratch *s = emit_scratch_begin(&h, kind, VAKT_LANE_CRITICAL);
  if (!s) return 0;
  struct vakt_call *r = (void *)s->record;
  r->header = h;
  r->header.abi = read_abi(task);
  read_task(&r->task, task);
  read_call_args(r->args, regs);
  r->result = result;
  r->syscall_nr = nr;
  __builtin_memset(&r->file, 0, sizeof(r->file));
  __u64 text = call_arg(r->args, row->text);
  __u32 fd = call_arg(r->args, row->fd);
  __u64 pointed = read_pointed(r, kind);
  __u32 end = sizeof(*r);
  if (row->fd) end = put_call_file(s, end, r, task, fd);
  if (kind == KIND_process_exec_failed) 
    end = put_base(s, end, &r->file.path, &r->file.path_status, task,
                   nr == SYS_execveat ? (__s32)r->args[0] : AT_FDCWD);
  if (kernel_text)
    end = put_kernel_str(s, end, &r->text, kernel_text);
  else
    end = put_user_str(s, end, &r->text, (void *)(text ? text : pointed));
  end = put_caller(s, end, &r->task, kind);
  emit_scratch_end(s, kind, VAKT_LANE_CRITICAL, end);
  return 0;
}

#define I386_delete_module 129
#define I386_finit_module 350

/* A module under load or removal: the name is the kernel's own. */
static __always_inline int emit_kernel_module(struct module *module, bool removal) {
  struct pt_regs *regs = task_regs();
  __u32 nr = call_number(regs);
  bool removes = nr == SYS_delete_module || nr == I386_delete_module;
  if (removes != removal) return 0;
  bool by_file = nr == SYS_finit_module || nr == I386_finit_module;
  nr = removes ? SYS_delete_module : by_file ? SYS_finit_module : SYS_init_module;
  return emit_call(&calls[nr], nr, 0, regs, module->name);
}

static __always_inline int on_call(struct trace_event_raw_sys_exit *ctx) {
  struct pt_regs *regs = task_regs();
  const struct call_row *row = call_of_interest(ctx->id, ctx->ret, regs);
  return row ? emit_call(row, ctx->id, ctx->ret, regs, 0) : 0;
}

/* The exit of each call in the table `calls` (bpf/lib/call_table.h). */
SYSCALL_EXIT(call, on_call)

/* kernel/module/main.c load_module: the module is complete and its code has not run. */
SEC("tp_btf/module_load")
int BPF_PROG(kernel_module_load, struct module *module) {
  return emit_kernel_module(module, false);
}

/* kernel/module/main.c free_module: also at the end of a load that failed late, which the call's
 * own exit tells. */
SEC("tp_btf/module_free")
int BPF_PROG(kernel_module_free, struct module *module) {
  return emit_kernel_module(module, true);
}
