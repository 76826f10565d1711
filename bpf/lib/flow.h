/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * Sums of what processes say to their peers (bpf/wire/flow.h): the tables, and the way into them.
 *
 * A TCP socket has an entry from its first state to its last; its bytes and segments are read from
 * the kernel's own counts when it closes, and by an iterator while it is open, so that nothing is
 * done per packet. Datagrams are added up as they are sent and received.
 */
#ifndef VAKT_BPF_FLOW_H
#define VAKT_BPF_FLOW_H

#include "bpf/lib/socket.h"

#define EEXIST 17
#define SOCK_DONE 1 /* enum sock_flags: the peer's FIN has come (net/ipv4/tcp_input.c tcp_fin) */

struct flow_map {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 1); /* the agent puts larger ones in place: VAKT_FLOW_TABLE, ..._FOLDS */
  __uint(key_size, sizeof(struct vakt_flow_key)); /* of inner maps clang does not tell the types */
  __uint(value_size, sizeof(struct vakt_flow_counts));
};
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
  __uint(max_entries, VAKT_FLOW_TABLES);
  __type(key, __u32);
  __array(values, struct flow_map);
} flow_tables SEC(".maps");

/* Open TCP sockets, by address. */
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, VAKT_FLOW_SOCKETS);
  __type(key, __u64);
  __type(value, struct vakt_flow_socket);
} flow_sockets SEC(".maps");

/* What found room nowhere: element 0. Only ever added to. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct vakt_flow_counts);
} flow_rest SEC(".maps");

static __always_inline bool flows_wanted(void) {
  struct vakt_control *c = control_block();
  return c && kind_enabled(c, VAKT_FLOWS_KIND);
}

static __always_inline struct vakt_flow_counts *flow_place(__u32 which,
                                                           const struct vakt_flow_key *key,
                                                           bool sent) {
  void *table = bpf_map_lookup_elem(&flow_tables, &which);
  if (!table) return 0;
  struct vakt_flow_counts *counts = bpf_map_lookup_elem(table, key);
  if (counts) return counts;
  struct vakt_flow_counts empty = {.first_sent = sent};
  bpf_map_update_elem(table, key, &empty, BPF_NOEXIST);
  return bpf_map_lookup_elem(table, key);
}

/* Where the flow of `key` is added up: at its own place, with all of the process's flows that found
 * none, or with the rest. `news`: how many connections or datagrams this is about. */
static __always_inline struct vakt_flow_counts *flow_counts_of(struct vakt_flow_key *key, bool sent,
                                                               __u32 news) {
  struct vakt_flow_counts *counts = flow_place(VAKT_FLOW_SUMS, key, sent);
  if (!counts) {
    __u32 zero = 0;
    __builtin_memset(key->local_addr, 0, sizeof(key->local_addr));
    __builtin_memset(key->remote_addr, 0, sizeof(key->remote_addr));
    key->local_port = 0;
    key->remote_port = 0;
    counts = flow_place(VAKT_FLOW_FOLDED, key, sent);
    if (!counts) counts = bpf_map_lookup_elem(&flow_rest, &zero);
    if (counts && news) __sync_fetch_and_add(&counts->folded, news);
  }
  return counts;
}

/* Something has happened in the flow. */
static __always_inline void flow_touch(struct vakt_flow_counts *counts, __u64 since_boot_ns) {
  __u64 now = bpf_ktime_get_boot_ns();
  if (!since_boot_ns) since_boot_ns = now;
  if (!counts->first_boot_ns || counts->first_boot_ns > since_boot_ns)
    counts->first_boot_ns = since_boot_ns;
  counts->last_boot_ns = now;
}

static __always_inline void flow_add(__u64 *sum, __u64 n) {
  if (n) __sync_fetch_and_add(sum, n);
}

static __always_inline __u32 read_net_ns(struct sock *sk) {
  struct net *net = READ_MEMBER(sk, __sk_common.skc_net.net);
  return READ_MEMBER(net, ns.inum);
}

/* Everything but direction; all that distinguishes one socket of a flow from another is left out by
 * the caller. */
static __always_inline void flow_key_of(struct vakt_flow_key *key, const struct ends *e,
                                        __u64 cookie, __u32 net_ns) {
  __builtin_memset(key, 0, sizeof(*key));
  key->cookie = cookie;
  __builtin_memcpy(key->local_addr, e->local_addr, sizeof(key->local_addr));
  __builtin_memcpy(key->remote_addr, e->remote_addr, sizeof(key->remote_addr));
  key->local_port = e->local_port;
  key->remote_port = e->remote_port;
  key->family = e->family;
  key->protocol = e->protocol;
  key->net_ns = net_ns;
}

/* True for the one that moves the socket's mark. */
static __always_inline bool flow_take_fact(struct vakt_flow_socket *open, __u32 fact) {
  return !(__sync_fetch_and_or(&open->told, fact) & fact);
}

/* Later connections of MPTCP are made by the kernel: they belong to whom the first one does. 0: it is
 * none of these. */
static __always_inline __u64 mptcp_owner(struct sock *sk) {
  struct inet_connection_sock *connection = (void *)sk;
  struct mptcp_subflow_context *subflow = READ_MEMBER(connection, icsk_ulp_data);
  if (!subflow || !bpf_core_field_exists(subflow->conn)) return 0;
  struct mptcp_sock *mptcp = (void *)BPF_CORE_READ(subflow, conn);
  __u64 first = (__u64)BPF_CORE_READ(mptcp, first);
  struct vakt_flow_socket *open = bpf_map_lookup_elem(&flow_sockets, &first);
  return open ? open->cookie : 0;
}

/* An open socket that nobody has touched: the current process is its owner. Null: it has one. */
static __always_inline struct sock *flow_claim(struct vakt_flow_socket *open) {
  struct vakt_control *c = control_block();
  if (open->cookie || !c || !flow_take_fact(open, VAKT_TOLD_OWNER)) return 0;
  struct sock *sk = (void *)open->socket;
  open->cookie = mptcp_owner(sk);
  if (!open->cookie && in_scope(c)) open->cookie = read_cookie(current_task());
  return sk;
}

/* The socket that carries a stream's bytes: its own, or the first connection of MPTCP. Null: it is
 * no TCP. */
static __always_inline struct sock *tcp_of(struct sock *sk) {
  __u16 protocol = READ_MEMBER(sk, sk_protocol);
  if (protocol == IPPROTO_TCP) return sk;
  struct mptcp_sock *mptcp = (void *)sk;
  if (protocol != IPPROTO_MPTCP || !bpf_core_field_exists(mptcp->first)) return 0;
  return BPF_CORE_READ(mptcp, first);
}

/* False, when there was no room for it. */
static __always_inline bool tcp_flow_begins(struct sock *sk, __u32 direction, bool owner_is_here) {
  struct vakt_control *c = control_block();
  __u64 socket = (__u64)sk;
  if (!c) return true;
  struct vakt_flow_socket open = {.direction = direction, .socket = socket};
  open.cookie = mptcp_owner(sk);
  if (owner_is_here && !open.cookie) {
    if (!in_scope(c)) return true;
    open.cookie = read_cookie(current_task());
  }
  open.begin_boot_ns = bpf_ktime_get_boot_ns();
  if (direction == VAKT_FLOW_OUT) open.sends_left = VAKT_HELLO_SENDS;
  long failed = bpf_map_update_elem(&flow_sockets, &socket, &open,
                                    owner_is_here ? BPF_ANY : BPF_NOEXIST);
  return !failed || failed == -EEXIST;
}

#endif /* VAKT_BPF_FLOW_H */
