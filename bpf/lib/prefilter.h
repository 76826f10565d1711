/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * The rules decide what is sent at all: tables, and what a probe asks of them.
 *
 * Two things must hold before an event may be left out.
 *   1. No rule can fire: the masks of its process, of how and of what it opened have no class of
 *      rules in common.
 *   2. The agent would learn nothing from it. What each record tells of its process (name, user,
 *      parent, cgroup, program) has a fingerprint; the last one told is kept here. A process that
 *      renamed itself, for one, is always heard, so all that the agent knows, and every later
 *      verdict, is as if nothing were left out.
 *
 * The tables are double-buffered: the agent writes the idle element, then names its version in the
 * control block. A verdict counts only if its tables are still that version when it is reached, so
 * nobody waits for anybody. Loads stay in order on x86-64, the only machine we build for.
 */
#ifndef VAKT_BPF_PREFILTER_H
#define VAKT_BPF_PREFILTER_H

#include "bpf/lib/read.h"
#include "bpf/wire/prefilter.h"

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 2);
  __type(key, __u32);
  __type(value, struct vakt_prefilter);
} prefilters SEC(".maps");

/* Written by the agent alone. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, VAKT_PROCESS_MASKS);
  __type(key, __u32);
  __type(value, struct vakt_process_masks);
} process_masks SEC(".maps");

/* Fingerprint that was told last, by the process's cookie. Two processes that share a slot are told
 * once more than needed. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, VAKT_TOLD_SLOTS);
  __type(key, __u32);
  __type(value, __u64);
} told SEC(".maps");

/* A verdict in the making. */
struct prefilter {
  struct vakt_prefilter *tables; /* null: the event is sent whatever the classes are */
  __u64 version;
  __u64 classes; /* that may still fire */
};

static __always_inline struct vakt_prefilter *active_tables(__u64 version) {
  __u32 index = version & 1;
  if (!version) return 0;
  struct vakt_prefilter *tables = bpf_map_lookup_elem(&prefilters, &index);
  if (!tables || READ_ONCE(tables->version) != version) return 0;
  return tables;
}

/*
 * NH of UMAC (RFC 4418, 5.2.2) over what a record tells of its process. The keys are secret and new
 * with each set of tables: a process that chooses its name cannot choose one with another's
 * fingerprint, and what was told or computed before a reload is void after it.
 */
static __always_inline __u64 nh(__u64 key, __u64 word) {
  return (__u64)(__u32)((__u32)word + (__u32)key) * (__u32)((word >> 32) + (key >> 32));
}

static __always_inline __u64 fingerprint_of(const struct vakt_prefilter *tables,
                                            const struct vakt_task *t) {
  const __u64 *name = (const __u64 *)t->process_comm;
  const __u64 *key = tables->keys;
  return nh(key[0], t->cookie) + nh(key[1], t->parent_cookie) + nh(key[2], t->cgroup_id) +
         nh(key[3], (__u64)t->euid << 32 | t->egid) + nh(key[4], t->exec_id) +
         nh(key[5], name[0]) + nh(key[6], name[1]);
}

static __always_inline __u64 *told_slot(__u64 cookie) {
  __u32 index = cookie * 0x9e3779b97f4a7c15ull >> 48;
  return bpf_map_lookup_elem(&told, &index);
}

/* Signs a record's task; before the record is handed over. */
static __always_inline void prefilter_sign(struct vakt_task *task) {
  struct vakt_control *c = control_block();
  struct vakt_prefilter *tables = c ? active_tables(READ_ONCE(c->prefilter_version)) : 0;
  task->fingerprint = tables ? fingerprint_of(tables, task) : 0;
}

/* Notes that the agent is told; once the record has its room. */
static __always_inline void prefilter_told(const struct vakt_task *task) {
  if (!task->fingerprint) return;
  __u64 *slot = told_slot(task->cookie);
  if (slot) WRITE_ONCE(*slot, task->fingerprint);
}

static __always_inline __u64 classes_of_process(__u64 fingerprint, __u64 which) {
  __u32 group = vakt_mask_group(fingerprint);
  for (__u32 way = 0; way < VAKT_PROCESS_MASK_WAYS; way++) {
    __u32 index = group + way;
    struct vakt_process_masks *entry = bpf_map_lookup_elem(&process_masks, &index);
    if (!entry || READ_ONCE(entry->fingerprint) != fingerprint) continue;
    __u64 at = which;
    asm volatile("" : "+r"(at)); /* checked where it is used: verifiers before 6.9 forget the bound */
    if (at >= VAKT_MASKED_KINDS) return ~0ull; /* of a copy or of what was spilled */
    __u64 classes = READ_ONCE(entry->masks[at]);
    return READ_ONCE(entry->fingerprint) == fingerprint ? classes : ~0ull;
  }
  return ~0ull; /* not evaluated yet */
}

/* Begins the verdict on an event of `kind`: by all classes that there are. */
static __always_inline void prefilter_open(struct prefilter *filter, const struct vakt_control *c,
                                           __u32 kind) {
  filter->version = READ_ONCE(c->prefilter_version);
  filter->classes = ~0ull;
  filter->tables = 0;
  struct vakt_prefilter *tables = active_tables(filter->version);
  if (!tables || !(tables->kinds >> kind & 1)) return;
  filter->tables = tables;
  filter->classes = tables->classes[kind];
}

/* Leaves those that may fire for the current process. */
static __always_inline void prefilter_process(struct prefilter *filter, __u32 kind) {
  struct vakt_prefilter *tables = filter->tables;
  if (!tables) return;
  struct vakt_task task;
  read_identity(&task, current_task());
  __u64 fingerprint = fingerprint_of(tables, &task);
  __u64 *slot = told_slot(task.cookie);
  if (!slot || READ_ONCE(*slot) != fingerprint)
    filter->tables = 0; /* news of the process */
  else
    filter->classes &= classes_of_process(fingerprint, tables->mask_of_kind[kind]);
}

/* Goes on with a verdict that was kept as its version and classes; where tables are in force no
 * more, the event is sent. */
static __always_inline void prefilter_resume(struct prefilter *filter, __u64 version,
                                             __u64 classes) {
  filter->tables = active_tables(version);
  filter->version = version;
  filter->classes = classes;
}

/* True when the event is to be left out. */
static __always_inline bool prefilter_rejects(const struct prefilter *filter) {
  return filter->tables && !filter->classes &&
         READ_ONCE(filter->tables->version) == filter->version;
}

#endif /* VAKT_BPF_PREFILTER_H */
