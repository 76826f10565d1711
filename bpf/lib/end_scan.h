/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* What the rules say of both ends of a connection, asked before there is a record. */
#ifndef VAKT_BPF_END_SCAN_H
#define VAKT_BPF_END_SCAN_H

#include "bpf/lib/socket.h"

/* A global function, so that the verifier looks at it once per program. */
__attribute__((noinline)) __u32 find_cut(const struct vakt_cuts *cuts, __u64 high, __u64 low) {
  return cuts ? vakt_find_cut(cuts, high, low) : 0;
}

static __always_inline __u64 cut_of(const struct vakt_cuts *cuts, __u64 high, __u64 low) {
  __u64 cut = find_cut(cuts, high, low);
  asm volatile("" : "+r"(cut)); /* the mask is not the compiler's to drop: the verifier needs it */
  return cut & (VAKT_CUTS - 1);
}

static __always_inline __u64 classes_of_end(struct vakt_prefilter *tables, __u32 which, __u32 end,
                                            const struct ends *e) {
  const __u8 *address = end == VAKT_LOCAL_END ? e->local_addr : e->remote_addr;
  __u64 port = end == VAKT_LOCAL_END ? e->local_port : e->remote_port;
  __u64 high = vakt_big_endian(address), low = vakt_big_endian(address + 8);
  struct vakt_end_masks *masks = &tables->ends[which & (VAKT_ENDS_KINDS - 1)];
  __u64 cut = cut_of(&tables->cuts[VAKT_CUTS_OF_PORTS], 0, port);
  __u64 classes = masks->classes[end][VAKT_CUTS_OF_PORTS][cut];
  if (e->family == AF_INET6) {
    cut = cut_of(&tables->cuts[VAKT_CUTS_OF_V6], high, low);
    return classes & masks->classes[end][VAKT_CUTS_OF_V6][cut];
  }
  cut = cut_of(&tables->cuts[VAKT_CUTS_OF_V4], 0, high >> 32);
  return classes & masks->classes[end][VAKT_CUTS_OF_V4][cut];
}

/* True, and counted, when no rule can match a hit between these ends; of an internet socket that has
 * no name of its own yet, to this remote end. */
static __always_inline bool ends_are_filtered_by(struct prefilter *filter, __u32 kind,
                                                 const struct ends *e, bool is_named) {
  struct vakt_prefilter *tables = filter->tables;
  __u32 which = kind - KIND_network_connect;
  if (!tables) return false;
  if (e->family == AF_INET || e->family == AF_INET6) {
    filter->classes &= classes_of_end(tables, which, VAKT_REMOTE_END, e);
    if (is_named) filter->classes &= classes_of_end(tables, which, VAKT_LOCAL_END, e);
  } else {
    filter->classes &= tables->ends[which & (VAKT_ENDS_KINDS - 1)].no_internet;
  }
  return emit_is_filtered(kind, filter);
}

static __always_inline bool ends_are_filtered(struct prefilter *filter, __u32 kind,
                                              const struct ends *e) {
  return ends_are_filtered_by(filter, kind, e, true);
}

#endif /* VAKT_BPF_END_SCAN_H */
