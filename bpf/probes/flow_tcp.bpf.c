// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/*
 * Flows of TCP: an entry per socket from its first state to its last, added to the table of flows
 * when it closes and when the agent asks. What a socket has said is in its own counts (RFC 4898),
 * so data costs nothing. MPTCP shows as the connections that carry it.
 *
 * Both the closing socket and the agent's iterator may add up the same socket at once: whoever
 * moves the entry's mark from what it has read owns the difference.
 */
#include "bpf/lib/flow.h"

#define ECONNREFUSED 111
#define ETIMEDOUT 110
#define ECONNRESET 104
#define EPIPE 32
#define SETTLE_NS 1000000000ull

/* Payload, each byte once, and segments, both ways. */
struct tcp_counts {
  __u64 bytes_out;
  __u64 bytes_in;
  __u64 packets_out;
  __u64 packets_in;
  __u64 retransmits;
};

/* A FIN takes a place in the sequence and is no payload. The two segments of a handshake that came
 * before a passive socket existed are its own all the same. */
static __always_inline void read_tcp_counts(struct tcp_counts *n, struct sock *sk, bool passive) {
  struct tcp_sock *tp = (void *)sk;
  __u64 fin = READ_MEMBER(sk, __sk_common.skc_flags) >> SOCK_DONE & 1;
  __u64 received = READ_MEMBER(tp, bytes_received);
  n->bytes_out = READ_MEMBER(tp, bytes_sent) - READ_MEMBER(tp, bytes_retrans);
  n->bytes_in = received > fin ? received - fin : 0;
  n->packets_out = READ_MEMBER(tp, segs_out) + passive;
  n->packets_in = READ_MEMBER(tp, segs_in) + passive;
  n->retransmits = READ_MEMBER(tp, total_retrans);
}

/* What of `now` is news; it is told with that. */
static __always_inline __u64 take_news(__u64 *told, __u64 now) {
  __u64 before = READ_ONCE(*told);
  for (int attempt = 0; attempt < 2; attempt++) {
    if (now <= before) return 0;
    __u64 seen = __sync_val_compare_and_swap(told, before, now);
    if (seen == before) return now - before;
    before = seen;
  }
  return 0;
}

static __always_inline void tcp_flow_key(struct vakt_flow_key *key, struct sock *sk,
                                         const struct vakt_flow_socket *open) {
  struct ends e;
  read_endpoints(&e, sk);
  e.protocol = IPPROTO_TCP;
  if (open->direction == VAKT_FLOW_OUT) e.local_port = 0;
  if (open->direction == VAKT_FLOW_IN) e.remote_port = 0;
  flow_key_of(key, &e, open->cookie, read_net_ns(sk));
  key->direction = open->direction;
}

/* Adds up what the socket has done since it was looked at last. `was_established`: it is or was. */
static __always_inline struct vakt_flow_counts *tell_tcp(struct sock *sk,
                                                         struct vakt_flow_socket *open,
                                                         bool was_established) {
  struct vakt_flow_key key;
  struct tcp_counts n;
  bool listens = open->direction == VAKT_FLOW_LISTEN;
  tcp_flow_key(&key, sk, open);
  bool is_new = flow_take_fact(open, VAKT_TOLD_CONNECTION);
  struct vakt_flow_counts *counts = flow_counts_of(&key, false, is_new);
  if (!counts) return 0;
  if (is_new) flow_touch(counts, open->begin_boot_ns);
  if (listens) return counts;
  flow_add(&counts->connections, is_new);
  if (was_established && flow_take_fact(open, VAKT_TOLD_ESTABLISHED))
    flow_add(&counts->established, 1);
  read_tcp_counts(&n, sk, open->direction == VAKT_FLOW_IN);
  __u64 packets_out = take_news(&open->packets_out, n.packets_out);
  __u64 packets_in = take_news(&open->packets_in, n.packets_in);
  if (!(packets_out | packets_in)) return counts; /* and so nothing else */
  flow_touch(counts, is_new ? open->begin_boot_ns : 0);
  flow_add(&counts->packets_out, packets_out);
  flow_add(&counts->packets_in, packets_in);
  flow_add(&counts->bytes_out, take_news(&open->bytes_out, n.bytes_out));
  flow_add(&counts->bytes_in, take_news(&open->bytes_in, n.bytes_in));
  flow_add(&counts->retransmits, take_news(&open->retransmits, n.retransmits));
  return counts;
}

/* A socket without an entry: the table was full when it began, or it is older than the agent. In a
 * scope it is somebody else's. */
static __always_inline void untold_tcp_ends(struct sock *sk, int from) {
  struct vakt_control *c = control_block();
  if (!c || c->scope_cgroup_id) return;
  struct tcp_counts n;
  __u32 zero = 0;
  struct vakt_flow_counts *rest = bpf_map_lookup_elem(&flow_rest, &zero);
  if (!rest) return;
  read_tcp_counts(&n, sk, false);
  __sync_fetch_and_add(&rest->folded, 1);
  flow_add(&rest->connections, 1);
  flow_add(&rest->established, from != TCP_SYN_SENT);
  flow_add(&rest->bytes_out, n.bytes_out);
  flow_add(&rest->bytes_in, n.bytes_in);
  flow_add(&rest->packets_out, n.packets_out);
  flow_add(&rest->packets_in, n.packets_in);
  flow_add(&rest->retransmits, n.retransmits);
}

/* Of sockets without an owner: that of MPTCP's later connections is not known when the first one is
 * over. Before 6.1 they are not in the scope as far as we know. */
static __always_inline bool was_made_in_scope(const struct vakt_control *c, struct sock *sk) {
  struct cgroup *made_in = BPF_CORE_READ(sk, sk_cgrp_data.cgroup), *above = 0;
  if (!c->scope_cgroup_id) return true;
  if (!bpf_core_field_exists(made_in->ancestors)) return false;
  if (BPF_CORE_READ(made_in, level) < (int)c->scope_level) return false;
  bpf_probe_read_kernel(&above, sizeof(above),
                        (void *)((__u64)made_in + bpf_core_field_offset(struct cgroup, ancestors) +
                                 c->scope_level * sizeof(above)));
  return BPF_CORE_READ(above, kn, id) == c->scope_cgroup_id;
}

static __always_inline bool is_ours(const struct vakt_control *c, struct sock *sk,
                                    struct vakt_flow_socket *open) {
  if (!open->cookie) open->cookie = mptcp_owner(sk); /* it may have joined before it had one */
  return open->cookie || was_made_in_scope(c, sk);
}

static __always_inline void tcp_flow_ends(struct sock *sk, int from) {
  __u64 socket = (__u64)sk;
  struct vakt_control *c = control_block();
  struct vakt_flow_socket *open = bpf_map_lookup_elem(&flow_sockets, &socket);
  if (!open && from != TCP_LISTEN && from != TCP_SYN_RECV) untold_tcp_ends(sk, from);
  if (!open || !c) return;
  if (is_ours(c, sk, open)) {
    struct vakt_flow_counts *counts = tell_tcp(sk, open, from != TCP_SYN_SENT);
    int error = READ_MEMBER(sk, sk_err);
    if (counts && error == ECONNREFUSED) flow_add(&counts->refused, 1);
    if (counts && error == ETIMEDOUT) flow_add(&counts->timed_out, 1);
    if (counts && (error == ECONNRESET || error == EPIPE)) flow_add(&counts->reset, 1);
  }
  bool is_unclaimed = open->direction == VAKT_FLOW_IN && !open->cookie &&
                      !(open->told & VAKT_TOLD_OWNER);
  bpf_map_delete_elem(&flow_sockets, &socket);
  if (is_unclaimed) accept_is_late(socket);
}

/* What a state change means to flows. Towards SYN_SENT and LISTEN it happens in the owner's
 * context; connections that come in begin in accept_arrived. */
static __always_inline void on_flow_state(struct sock *sk, int from, int to) {
  if (!flows_wanted() || from == to || READ_MEMBER(sk, sk_protocol) != IPPROTO_TCP) return;
  if (to == TCP_CLOSE)
    tcp_flow_ends(sk, from);
  else if (to == TCP_SYN_SENT)
    tcp_flow_begins(sk, VAKT_FLOW_OUT, true);
  else if (to == TCP_LISTEN)
    tcp_flow_begins(sk, VAKT_FLOW_LISTEN, true);
}

/* Each open socket, whenever the agent reads its entry: its news, and that it is open. An entry
 * whose socket was closed behind our back is taken away; one that has only just begun may still
 * show its former state. */
SEC("iter/bpf_map_elem")
int flow_open(struct bpf_iter__bpf_map_elem *ctx) {
  __u64 *key = ctx->key;
  if (!key) return 0;
  __u64 socket = *key;
  struct sock *sk = (void *)socket;
  struct vakt_flow_socket *open = bpf_map_lookup_elem(&flow_sockets, &socket);
  if (!open) return 0;
  __u8 state = READ_MEMBER(sk, __sk_common.skc_state);
  if (state == TCP_CLOSE) {
    if (bpf_ktime_get_boot_ns() - open->begin_boot_ns > SETTLE_NS)
      bpf_map_delete_elem(&flow_sockets, &socket);
    return 0;
  }
  struct vakt_control *c = control_block();
  if (!c || !is_ours(c, sk, open)) return 0;
  struct vakt_flow_counts *counts = tell_tcp(sk, open, state != TCP_SYN_SENT);
  if (counts) flow_add(&counts->open, 1);
  return 0;
}
