// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/* What already runs: a task iterator writes one process_seed per process to its reader. The scope is
 * not applied: ancestors outside it are wanted too. */
#include "bpf/lib/image.h"

SEC("iter/task")
int process_seed(struct bpf_iter__task *ctx) {
  struct seq_file *seq = ctx->meta->seq;
  struct task_struct *task = ctx->task;
  if (!task) return 0;
  task = untrusted_task(task);
  if (task->pid != task->tgid) return 0;
  struct scratch *s = scratch_claim();
  if (!s) return 1; /* all slots busy: the iterator calls again */
  struct vakt_process_seed *r = (void *)s->record;
  __builtin_memset(&r->header, 0, sizeof(r->header));
  r->header.kind = KIND_process_seed;
  r->header.abi = VAKT_ABI_X86_64;
  r->header.boot_ns = bpf_ktime_get_boot_ns();
  read_task(&r->task, task);
  read_facts(&r->facts, task);
  __u32 end = put_image(s, sizeof(*r), task, &r->exe, &r->cwd, &r->cwd_status, &r->flags);
  end = put_cgroup_path(s, end, &r->facts.cgroup_path, task);
  end = (end + 7) & ~7u;
  if (end > VAKT_SCRATCH_OFFSET_MAX) end = VAKT_SCRATCH_OFFSET_MAX;
  r->size = end;
  long failed = bpf_seq_write(seq, s->record, end);
  scratch_release(s);
  return failed ? 1 : 0;
}
