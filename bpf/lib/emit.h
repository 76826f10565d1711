/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * emit_: from a hook hit to a record in a ring. The maps, the counters and the one rule that makes
 * loss exact: a hit takes its sequence number before the ring is asked for room, so that what finds
 * no room leaves a hole that the agent sees.
 *
 * Order in a hook:
 *   if (!emit_wanted(kind)) return;            counts the hit, applies scope and prefilter
 *   record = emit_reserve(...) or scratch      the number is taken here
 *   ... read_ and put_ ...
 *   emit_submit / emit_scratch                 counts submitted or lost
 */
#ifndef VAKT_BPF_EMIT_H
#define VAKT_BPF_EMIT_H

#include "bpf/lib/prefilter.h"

enum {
#define VAKT_AGENT_EVENT(stem, id, lane, stack, text)
#define VAKT_EVENT(stem, id, lane, stack, text) KIND_##stem = id, LANE_##stem = VAKT_LANE_##lane,
#include "bpf/wire/events.def"
#undef VAKT_EVENT
};

/* Tables of sockets whose outcome is awaited: 8,192 entries of ~150 and ~10 bytes. */
#define VAKT_PENDING_SOCKETS 8192
/* Requests of io_uring under way (~100 bytes each), and datagram flows that were told (~70). */
#define VAKT_PENDING_REQUESTS 4096
#define VAKT_FLOWS 16384
/* Programs that are being started (~850 bytes each). */
#define VAKT_STARTING_PROGRAMS 512

/* Largest tail write and largest tail offset of a scratch record: powers of two, so that a mask
 * proves the bounds to the verifier. The longest record, an exec, begins its last strings below the
 * one: 296 + 815 (stack) + 16384 (argv) + 3 * 4096 (paths) + 512 < 32768. */
#define VAKT_SCRATCH_OFFSET_MAX 32768
#define VAKT_SCRATCH_WRITE_MAX 16384

/* A walk from a dentry up to a root, building the path backwards. Its state is kept in the slot, not
 * on the stack: the verifier forgets what it knew of a map value, so its own walk over the loop
 * converges after one round. */
struct path_walk {
  struct dentry *dentry;
  struct vfsmount *mnt;
  struct dentry *mnt_root;
  struct dentry *root_dentry; /* where the walk ends: the task's root */
  struct vfsmount *root_mnt;
  __u32 start;  /* first byte of the path in scratch.path */
  __u32 status; /* VAKT_PATH_*, 0 while walking */
};

/* A scan of the text in scratch.path, from its end; kept in the slot for the same reason, and because
 * the stack is short where it happens. */
struct text_scan {
  __u64 hits;
  __u32 left; /* bytes that were not read yet */
  __u32 state;
  __u32 slash; /* the byte before was one */
  __u32 double_slash;
};

/* A stack before it is put into a record (bpf/lib/stack.h). */
struct stack_capture {
  struct vakt_stack stack;
  struct vakt_frame frames[VAKT_STACK_FRAMES + 1]; /* the last one says that there are more */
  char name[256];                                  /* NAME_MAX + 1 */
};

/* A record of variable size is built here and copied to the ring once its size is known. A slot is
 * claimed by one atomic exchange and belongs to one hook run, whatever interrupts or preempts it. */
struct scratch {
  __u32 busy;
  __u32 reserved[3];
  union {
    struct path_walk walk; /* the path that is being built */
    struct text_scan text; /* or the one that is being read */
  };
  union { /* one member per wire struct, so that the object's type information describes them all */
    struct vakt_process_fork process_fork;
    struct vakt_process_exec process_exec;
    struct vakt_process_exit process_exit;
    struct vakt_process_seed process_seed;
    struct vakt_file_open file_open;
    struct vakt_file_change file_change;
    struct vakt_network network;
    struct vakt_dns_answer dns_answer;
    struct vakt_stream_piece stream_piece;
    struct vakt_call call;
    struct vakt_process_act process_act;
    struct vakt_process_credentials process_credentials;
    __u8 record[VAKT_SCRATCH_OFFSET_MAX + VAKT_SCRATCH_WRITE_MAX];
  };
  __u8 path[VAKT_PATH_MAX + 256]; /* paths grow from the end of the first 4096 bytes */
  struct stack_capture stack;
};

struct ring_map {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, 4096);
};
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
  __uint(max_entries, 1); /* cpu * VAKT_LANES + lane */
  __type(key, __u32);
  __array(values, struct ring_map);
} rings SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 4);
  __type(key, __u32);
  __type(value, struct scratch);
} scratch_slots SEC(".maps");

/* Counts a hit of `kind` and says whether it may become a record: the process is in scope. For probes
 * that narrow `filter` by what they know before they ask for the process, which is dear. */
static __always_inline bool emit_hit(__u32 kind, struct prefilter *filter) {
  struct vakt_control *c = control_block();
  if (!c || !kind_enabled(c, kind)) return false;
  struct vakt_cpu_state *state = state_of_cpu(bpf_get_smp_processor_id());
  if (!state) return false;
  __sync_fetch_and_add(&state->hits[kind], 1);
  if (in_scope(c)) {
    prefilter_open(filter, c, kind);
    return true;
  }
  __sync_fetch_and_add(&state->filtered[kind], 1);
  return false;
}

/* Ends a hit that its probe has narrowed until no rule was left. */
static __always_inline void emit_filtered(__u32 kind) {
  struct vakt_cpu_state *state = state_of_cpu(bpf_get_smp_processor_id());
  if (state) __sync_fetch_and_add(&state->filtered[kind], 1);
}

/* True, and counted, when none is left. */
static __always_inline bool emit_is_filtered(__u32 kind, const struct prefilter *filter) {
  if (!prefilter_rejects(filter)) return false;
  emit_filtered(kind);
  return true;
}

/* The same for the current process. */
static __always_inline bool emit_process_is_filtered(__u32 kind, struct prefilter *filter) {
  prefilter_process(filter, kind);
  return emit_is_filtered(kind, filter);
}

/* A hit of which some rule may fire for this process. A probe that knows more narrows `filter` and
 * asks again. */
static __always_inline bool emit_candidate(__u32 kind, struct prefilter *filter) {
  return emit_hit(kind, filter) && !emit_process_is_filtered(kind, filter);
}

/* The same for a probe that knows no more than that. */
static __always_inline bool emit_wanted(__u32 kind) {
  struct prefilter filter;
  return emit_candidate(kind, &filter);
}

/* The header's number is taken here: what is lost after this leaves a hole. */
static __always_inline struct vakt_cpu_state *emit_header(struct vakt_header *h, __u32 kind,
                                                          __u32 lane) {
  __u32 cpu = bpf_get_smp_processor_id();
  struct vakt_cpu_state *state = state_of_cpu(cpu);
  if (!state) return 0;
  h->kind = kind;
  h->lane = lane;
  h->abi = VAKT_ABI_X86_64;
  h->cpu = cpu;
  h->boot_ns = bpf_ktime_get_boot_ns();
  h->seq = __sync_fetch_and_add(&state->seq[lane & 1], 1) + 1;
  return state;
}

static __always_inline void emit_lost(struct vakt_cpu_state *state, __u32 kind, __u32 reason) {
  __sync_fetch_and_add(&state->lost[kind][reason], 1);
}

static __always_inline void *ring_of(__u32 cpu, __u32 lane) {
  __u32 index = cpu * VAKT_LANES + lane;
  return bpf_map_lookup_elem(&rings, &index);
}

/*
 * Wakes the consumer only when it said that it sleeps, or when the ring fills while it naps: a
 * forced wakeup costs microseconds, a plain submit 25 ns. The counter's atomic increment before
 * this is a full barrier: room was taken before the flag is read, and the consumer sets the flag
 * before it looks at the rings for the last time, so one of the two sees the other.
 */
static __always_inline __u64 emit_wakeup(void *ring) {
  struct vakt_control *c = control_block();
  if (!c) return BPF_RB_FORCE_WAKEUP;
  if (c->consumer_sleeps) {
    c->consumer_sleeps = 0; /* one wakeup is enough */
    return BPF_RB_FORCE_WAKEUP;
  }
  if (bpf_ringbuf_query(ring, BPF_RB_AVAIL_DATA) > c->wake_fill_bytes) return BPF_RB_FORCE_WAKEUP;
  return BPF_RB_NO_WAKEUP;
}

/*
 * A record of fixed size is reserved and filled in place:
 *
 *   struct vakt_header h;
 *   struct vakt_x *r = emit_reserve(&h, KIND_x, LANE_x, sizeof(*r));
 *   if (!r) return 0;
 *   r->header = h; ...
 *   emit_submit(r, &h);
 */
static __always_inline void *emit_reserve(struct vakt_header *h, __u32 kind, __u32 lane,
                                          const __u32 size) {
  struct vakt_cpu_state *state = emit_header(h, kind, lane);
  if (!state) return 0;
  void *ring = ring_of(h->cpu, lane);
  void *record = ring ? bpf_ringbuf_reserve(ring, size, 0) : 0;
  if (!record) {
    emit_lost(state, kind, VAKT_LOST_RING_FULL);
    return 0;
  }
  __sync_fetch_and_add(&state->submitted[kind], 1);
  return record;
}

static __always_inline void emit_submit(void *record, const struct vakt_header *h) {
  struct vakt_task *task = record + sizeof(*h); /* the actor follows the header in every record */
  prefilter_sign(task);
  prefilter_told(task);
  void *ring = ring_of(h->cpu, h->lane & 1);
  bpf_ringbuf_submit(record, ring ? emit_wakeup(ring) : BPF_RB_FORCE_WAKEUP);
}

static __always_inline struct scratch *scratch_claim(void) {
  struct vakt_control *c = control_block();
  if (!c || !c->scratch_slots) return 0;
  __u32 first = bpf_get_smp_processor_id() * 2;
  for (__u32 i = 0; i < 4; i++) {
    __u32 index = (first + i) % c->scratch_slots;
    struct scratch *s = bpf_map_lookup_elem(&scratch_slots, &index);
    if (s && __sync_val_compare_and_swap(&s->busy, 0, 1) == 0) return s;
  }
  return 0;
}

static __always_inline void scratch_release(struct scratch *s) {
  __sync_val_compare_and_swap(&s->busy, 1, 0);
}

/* Starts a record of variable size; null (counted) when all slots are busy. */
static __always_inline struct scratch *emit_scratch_begin(struct vakt_header *h, __u32 kind,
                                                          __u32 lane) {
  struct vakt_cpu_state *state = emit_header(h, kind, lane);
  if (!state) return 0;
  struct scratch *s = scratch_claim();
  if (!s) emit_lost(state, kind, VAKT_LOST_SCRATCH_BUSY);
  return s;
}

/* Copies the finished record of `size` bytes to its ring and frees the slot. */
static __always_inline void emit_scratch_end(struct scratch *s, __u32 kind, __u32 lane,
                                             __u32 size) {
  struct vakt_header *h = (struct vakt_header *)s->record;
  struct vakt_task *task = (struct vakt_task *)(s->record + sizeof(*h));
  struct vakt_cpu_state *state = state_of_cpu(h->cpu);
  void *ring = ring_of(h->cpu, lane);
  if (state && ring) {
    __u64 bytes = size;
    asm volatile("" : "+r"(bytes)); /* one register: verifiers before 6.13 forget a copy's bound */
    if (bytes > sizeof(s->record)) bytes = sizeof(s->record);
    prefilter_sign(task);
    long failed = bpf_ringbuf_output(ring, s->record, bytes, BPF_RB_NO_WAKEUP);
    if (failed) {
      emit_lost(state, kind, VAKT_LOST_RING_FULL);
    } else {
      __sync_fetch_and_add(&state->submitted[kind], 1);
      prefilter_told(task);
    }
    if (!failed && emit_wakeup(ring) == BPF_RB_FORCE_WAKEUP) {
      /* The flag must be read after room was taken, so a discarded record carries the wakeup. */
      void *bell = bpf_ringbuf_reserve(ring, 8, 0);
      if (bell) bpf_ringbuf_discard(bell, BPF_RB_FORCE_WAKEUP);
    }
  }
  scratch_release(s);
}

#endif /* VAKT_BPF_EMIT_H */
