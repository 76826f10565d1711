/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* What the agent tells the probes (the control block) and what they tell it (the counters). */
#ifndef VAKT_BPF_CONTROL_H
#define VAKT_BPF_CONTROL_H

#include "bpf/wire/wire.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

/* What another CPU may change meanwhile: read and written whole, and once. */
#define READ_ONCE(x) (*(volatile typeof(x) *)&(x))
#define WRITE_ONCE(x, value) (*(volatile typeof(x) *)&(x) = (value))

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct vakt_control);
} control SEC(".maps");

/* The sizes below are placeholders: the agent sets them from the CPU count and its budget. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct vakt_cpu_state);
} cpu_state SEC(".maps");

static __always_inline struct vakt_control *control_block(void) {
  __u32 zero = 0;
  return bpf_map_lookup_elem(&control, &zero);
}

static __always_inline struct vakt_cpu_state *state_of_cpu(__u32 cpu) {
  return bpf_map_lookup_elem(&cpu_state, &cpu);
}

/* True when the current task is in the scope's cgroup subtree, or no scope is set. */
static __always_inline bool in_scope(const struct vakt_control *c) {
  if (!c->scope_cgroup_id) return true;
  return bpf_get_current_ancestor_cgroup_id(c->scope_level) == c->scope_cgroup_id;
}

static __always_inline bool kind_enabled(const struct vakt_control *c, __u32 kind) {
  return c->kind_mask >> kind & 1;
}

#endif /* VAKT_BPF_CONTROL_H */
