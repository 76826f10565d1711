/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * The kernel prefilter's tables, and the decisions that both sides make with them: agent/match
 * compiles the tables from the rules, the probes read them, and tests run the same inline functions
 * over recorded events. docs/decisions says why it looks like this.
 *
 * The rules that can fire on a kind are grouped into at most 64 classes. Each look-up (how the file
 * was opened, its path, a connection's ends, the process) yields the set of classes that may still
 * fire, as a 64-bit mask. An event is sent unless the masks have no class in common. A mask may be
 * too large, never too small.
 */
#ifndef VAKT_WIRE_PREFILTER_H
#define VAKT_WIRE_PREFILTER_H

#include "bpf/wire/wire.h"

#ifdef __bpf__
#define VAKT_INLINE static __always_inline
#else
#define VAKT_INLINE static inline
#endif

/* ---- How a file was opened: a small number for all that rules can tell apart without its path. */

#define VAKT_OPEN_FACETS 512
#define VAKT_OUTCOME_FAILED 0u
#define VAKT_OUTCOME_FILE 1u
#define VAKT_OUTCOME_DIRECTORY 2u
#define VAKT_OUTCOME_PIPE 3u
#define VAKT_OPEN_CALLS 5u
#define VAKT_O_ACCMODE 03u
#define VAKT_O_CREAT 0100u
#define VAKT_O_TMPFILE 020200000u
#define VAKT_S_IFMT 0170000u
#define VAKT_S_IFDIR 0040000u
#define VAKT_S_IFIFO 0010000u

/* The call's place in the number; VAKT_OPEN_CALLS for none that is known. */
VAKT_INLINE __u32 vakt_open_call(__u32 syscall_nr) {
  switch (syscall_nr) {
    case 257: /* openat */
      return 0;
    case 2: /* open */
      return 1;
    case 437: /* openat2 */
      return 2;
    case 85: /* creat */
      return 3;
    case 304: /* open_by_handle_at */
      return 4;
    default:
      return VAKT_OPEN_CALLS;
  }
}

VAKT_INLINE __u32 vakt_open_outcome(__s64 result, __u32 mode) {
  if (result < 0) return VAKT_OUTCOME_FAILED;
  if ((mode & VAKT_S_IFMT) == VAKT_S_IFDIR) return VAKT_OUTCOME_DIRECTORY;
  if ((mode & VAKT_S_IFMT) == VAKT_S_IFIFO) return VAKT_OUTCOME_PIPE;
  return VAKT_OUTCOME_FILE;
}

/* `call` and `outcome` as above, `flags` and `create_mode` as in struct vakt_file_open. */
VAKT_INLINE __u32 vakt_open_facet(__u32 call, __u32 flags, __u32 create_mode, __u32 outcome) {
  __u32 creates = (flags & VAKT_O_CREAT) || (flags & VAKT_O_TMPFILE) == VAKT_O_TMPFILE;
  __u32 executable = (create_mode & 0111) != 0;
  return call << 6 | outcome << 4 | (flags & VAKT_O_ACCMODE) << 2 | creates << 1 | executable;
}

/*
 * ---- A path's automaton. It reads the path from its last byte to its first, as a walk from a
 * dentry to the root finds it, then VAKT_SYMBOL_END. Bytes that no pattern tells apart share a
 * symbol. Each transition that completes a pattern is marked, and its state says which classes the
 * pattern belongs to.
 */
#define VAKT_PATH_STATES 8192u
#define VAKT_PATH_SYMBOLS 64u
#define VAKT_SYMBOL_OTHER 0u
#define VAKT_SYMBOL_END 1u
#define VAKT_PATH_HIT 0x8000u
#define VAKT_PATH_STATE_MASK (VAKT_PATH_STATES - 1)

struct vakt_path_automaton {
  __u16 next[VAKT_PATH_STATES * VAKT_PATH_SYMBOLS]; /* by state and symbol; VAKT_PATH_HIT may be set */
  __u64 hits[VAKT_PATH_STATES];                     /* classes; where a marked transition leads */
  __u8 symbols[256];                                /* by byte */
  __u16 start;
  __u16 reserved[3];
};

VAKT_INLINE __u32 vakt_path_next(const struct vakt_path_automaton *a, __u32 state, __u32 symbol,
                                 __u64 *hits) {
  __u32 index = (state & VAKT_PATH_STATE_MASK) * VAKT_PATH_SYMBOLS +
                (symbol & (VAKT_PATH_SYMBOLS - 1));
#ifdef __bpf__
  asm volatile("" : "+r"(index)); /* verifiers of 6.1 lose the bounds of a sum of 32-bit values */
#endif
  __u32 next = a->next[index & (VAKT_PATH_STATES * VAKT_PATH_SYMBOLS - 1)];
  if (next & VAKT_PATH_HIT) *hits |= a->hits[next & VAKT_PATH_STATE_MASK];
  return next & VAKT_PATH_STATE_MASK;
}

VAKT_INLINE __u32 vakt_path_byte(const struct vakt_path_automaton *a, __u32 state, __u8 byte,
                                 __u64 *hits) {
  return vakt_path_next(a, state, a->symbols[byte], hits);
}

/*
 * ---- The ends of a connection. Ports, IPv4 and IPv6 addresses are numbers; a table has the places
 * where the rules begin to tell one number from its predecessor. What lies between two such cuts is
 * all the same to them. The first cut is 0; unused ones at the end are all ones.
 */
#define VAKT_CUTS 256u
#define VAKT_CUTS_OF_PORTS 0u
#define VAKT_CUTS_OF_V4 1u
#define VAKT_CUTS_OF_V6 2u
#define VAKT_CUT_TABLES 3u
#define VAKT_LOCAL_END 0u
#define VAKT_REMOTE_END 1u
#define VAKT_ENDS 2u
#define VAKT_ENDS_KINDS 8u /* from network_connect on */

struct vakt_cuts {
  __u64 high[VAKT_CUTS]; /* 0 but for IPv6 */
  __u64 low[VAKT_CUTS];
};

/* The last cut that is not above the number. No branch depends on what is read: the verifier would
 * walk each combination. */
VAKT_INLINE __u32 vakt_find_cut(const struct vakt_cuts *cuts, __u64 high, __u64 low) {
  __u32 at = 0;
  for (__u32 step = VAKT_CUTS / 2; step; step >>= 1) {
    __u64 middle = at + step;
#ifdef __bpf__
    asm volatile("" : "+r"(middle)); /* the masks below are not the compiler's to drop */
#endif
    __u64 h = cuts->high[middle & (VAKT_CUTS - 1)], l = cuts->low[middle & (VAKT_CUTS - 1)];
    __u64 borrow = ((~low & l) | (~(low ^ l) & (low - l))) >> 63;
    __u64 below = ((~high & h) | (~(high ^ h) & (high - h - borrow))) >> 63;
    at += step & (__u32)(below - 1);
  }
  return at;
}

VAKT_INLINE __u64 vakt_big_endian(const __u8 *bytes) {
  __u64 word;
  __builtin_memcpy(&word, bytes, sizeof(word));
  return __builtin_bswap64(word);
}

/* Classes, for one kind. */
struct vakt_end_masks {
  __u64 classes[VAKT_ENDS][VAKT_CUT_TABLES][VAKT_CUTS];
  __u64 no_internet; /* of sockets of other families */
};

/* ---- The tables of one rule set. */

#define VAKT_FINGERPRINT_WORDS 7
#define VAKT_MASKED_KINDS 7

struct vakt_prefilter {
  __u64 version; /* what it was installed as; 0 while it is being written */
  __u64 kinds;   /* bit per kind id: events of the kind may be filtered */
  __u64 keys[VAKT_FINGERPRINT_WORDS]; /* of processes */
  __u64 path_key;                     /* of paths */
  __u64 path_factor;
  __u64 classes[VAKT_KIND_MAX]; /* per kind id: classes there are */
  __u8 mask_of_kind[VAKT_KIND_MAX]; /* index into vakt_process_masks, or VAKT_MASKED_KINDS: none */
  __u64 open_facets[VAKT_OPEN_FACETS];
  __u64 open_any_path; /* classes that may fire whatever the path is */
  __u64 open_raw_path; /* classes for which the path as it was asked for counts as well */
  __u64 open_misnamed; /* classes that fire only if the argument's last name is not the file's */
  struct vakt_path_automaton open_path;
  struct vakt_cuts cuts[VAKT_CUT_TABLES];
  struct vakt_end_masks ends[VAKT_ENDS_KINDS];
};

/*
 * What the classes of each kind say of one process in one state. The state is known by its
 * fingerprint, so an entry is never out of date: a process that changes has another fingerprint.
 */
struct vakt_process_masks {
  __u64 fingerprint; /* 0: empty, or being written */
  __u64 masks[VAKT_MASKED_KINDS];
};

#define VAKT_PROCESS_MASKS 16384u /* entries; an entry lies in the group that its fingerprint names */
#define VAKT_PROCESS_MASK_WAYS 4u
#define VAKT_TOLD_SLOTS 65536u

VAKT_INLINE __u32 vakt_mask_group(__u64 fingerprint) {
  return (__u32)(fingerprint >> 32) & (VAKT_PROCESS_MASKS - 1) & ~(VAKT_PROCESS_MASK_WAYS - 1);
}

VAKT_STATIC_ASSERT(sizeof(struct vakt_process_masks) == 64, "one cache line");
VAKT_STATIC_ASSERT(sizeof(struct vakt_prefilter) % 8 == 0, "elements follow each other");
VAKT_STATIC_ASSERT(VAKT_OPEN_CALLS << 6 < VAKT_OPEN_FACETS, "facets fit their table");

#endif /* VAKT_WIRE_PREFILTER_H */
