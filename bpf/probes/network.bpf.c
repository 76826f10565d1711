// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/*
 * Connections, tracepoint tier, without touching system calls (which would tax every one of them).
 *
 * network_connect, TCP: the socket's way CLOSE -> SYN_SENT happens in the connecting process, which
 * is noted; the way out of SYN_SENT is the outcome: ESTABLISHED, or CLOSE with the socket's error.
 * A first SYN that has to be repeated (1 s) is reported as -EINPROGRESS there and then. A connect
 * that fails before its SYN (no route) makes no state change and is not seen.
 * network_connect, UDP: the cgroup hook of connect(2).
 *
 * network_accept: a child socket becomes ESTABLISHED in softirq, so its owner is learned from the
 * first act of a process on it: accept(2) that asks for the peer's address, the first send or
 * receive, or the close.
 */
#include "bpf/lib/end_scan.h"
#include "bpf/lib/flow.h"

/* A TCP connect whose SYN was sent. */
struct connect_attempt {
  struct vakt_task task;
  struct route route;
  __u32 reserved;
  __u64 version; /* the prefilter's verdict so far */
  __u64 classes;
};

/* TCP connects under way: socket -> who. */
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, VAKT_PENDING_SOCKETS);
  __type(key, __u64);
  __type(value, struct connect_attempt);
} connecting SEC(".maps");

/* Failed TCP connects that were told by their states: thread -> socket. The exit of the same call
 * tells the others. */
struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, 1024);
  __type(key, __u64);
  __type(value, __u64);
} connect_failures SEC(".maps");

/* Passive TCP connections that no process has touched yet. The value is the socket again: a cgroup
 * program's own pointer to it allows no arithmetic, a number out of a map does. */
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, VAKT_PENDING_SOCKETS);
  __type(key, __u64);
  __type(value, __u64);
} accepting SEC(".maps");

static __always_inline void emit_network(__u32 kind, const struct ends *ends,
                                         const struct vakt_task *who, const struct route *route,
                                         __s32 result) {
  struct vakt_header h;
  struct vakt_network *r = emit_reserve(&h, kind, LANE_network_connect, sizeof(*r));
  if (!r) return;
  begin_network(r, ends);
  r->header = h;
  r->header.abi = route->abi;
  r->task = *who;
  r->result = result;
  r->fd = route->fd;
  emit_submit(r, &h);
}

/* A full table: the hit is lost, and counted with its reason. */
static __always_inline void emit_table_full(__u32 kind) {
  struct vakt_header h;
  struct vakt_cpu_state *state = emit_header(&h, kind, VAKT_LANE_BULK);
  if (state) emit_lost(state, kind, VAKT_LOST_TABLE_FULL);
}

/* The remote end is known from the beginning, the local one not until there is a port. */
static __always_inline bool remote_end_is_filtered(struct prefilter *filter, __u32 kind,
                                                   struct sock *sk) {
  struct ends ends; /* not in the caller: the stack is short */
  read_socket(&ends, sk);
  return ends_are_filtered_by(filter, kind, &ends, false);
}

/* What no rule asks for is not awaited. */
static __always_inline void connect_started(struct sock *sk) {
  struct prefilter filter;
  if (!emit_hit(KIND_network_connect, &filter) ||
      remote_end_is_filtered(&filter, KIND_network_connect, sk) ||
      emit_process_is_filtered(KIND_network_connect, &filter))
    return;
  struct connect_attempt attempt = {.version = filter.tables ? filter.version : 0,
                                    .classes = filter.classes};
  struct task_struct *task = current_task();
  __u64 key = (__u64)sk;
  read_task(&attempt.task, task);
  read_route(&attempt.route, task);
  if (bpf_map_update_elem(&connecting, &key, &attempt, BPF_ANY))
    emit_table_full(KIND_network_connect);
}

/* The hit was counted when the connect started. */
static __always_inline void connect_ended(struct sock *sk, __s32 result) {
  __u64 key = (__u64)sk;
  struct connect_attempt *attempt = bpf_map_lookup_elem(&connecting, &key);
  if (!attempt) return;
  struct prefilter filter;
  struct ends ends;
  prefilter_resume(&filter, attempt->version, attempt->classes);
  read_socket(&ends, sk);
  if (!ends_are_filtered(&filter, KIND_network_connect, &ends))
    emit_network(KIND_network_connect, &ends, &attempt->task, &attempt->route, result);
  __u64 thread = attempt->task.tid;
  if (result < 0) bpf_map_update_elem(&connect_failures, &thread, &key, BPF_ANY);
  bpf_map_delete_elem(&connecting, &key);
}

static __always_inline void connect_closed(struct sock *sk) {
  __s32 error = BPF_CORE_READ(sk, sk_err);
  connect_ended(sk, error ? -error : -ECONNABORTED); /* no error: the process gave up */
}

/* Where flows are added up, their table of sockets serves: each socket is looked up once. */
static __always_inline void accept_arrived(struct sock *sk) {
  struct vakt_control *c = control_block();
  __u64 key = (__u64)sk;
  if (!c) return;
  bool reports = kind_enabled(c, KIND_network_accept);
  bool has_room = kind_enabled(c, VAKT_FLOWS_KIND)
                      ? tcp_flow_begins(sk, VAKT_FLOW_IN, false)
                      : !reports || !bpf_map_update_elem(&accepting, &key, &key, BPF_ANY);
  if (has_room || !reports) return;
  struct vakt_cpu_state *state = state_of_cpu(bpf_get_smp_processor_id());
  if (state) __sync_fetch_and_add(&state->hits[KIND_network_accept], 1);
  emit_table_full(KIND_network_accept);
}

/* A flow is over and its connection was never touched: its owner may still come and close it. */
static __always_inline void accept_is_late(__u64 socket) {
  struct vakt_control *c = control_block();
  if (c && kind_enabled(c, KIND_network_accept))
    bpf_map_update_elem(&accepting, &socket, &socket, BPF_ANY);
}

/* The first process to touch a socket is its owner. Null: somebody was first, or it was not
 * accepted but connected. `open` becomes the socket's place in the table of flows, if it has one; null:
 * its flow is over. */
static __always_inline struct sock *take_accepted(const struct vakt_control *c, __u64 socket,
                                                  struct vakt_flow_socket **open) {
  if (open && kind_enabled(c, VAKT_FLOWS_KIND)) {
    *open = bpf_map_lookup_elem(&flow_sockets, &socket);
    if (*open) return flow_claim(*open);
  }
  if (!kind_enabled(c, KIND_network_accept)) return 0;
  __u64 *found = bpf_map_lookup_elem(&accepting, &socket);
  if (!found) return 0;
  struct sock *sk = (void *)*found;
  return bpf_map_delete_elem(&accepting, &socket) ? 0 : sk;
}

/* `open`: as take_accepted. */
static __always_inline void claim_accepted(__u64 socket, struct vakt_flow_socket **open) {
  struct vakt_control *c = control_block();
  struct sock *sk = c ? take_accepted(c, socket, open) : 0;
  struct prefilter filter;
  struct ends ends;
  /* The process first: with the ends beside it network_state's stack was too large before 6.13. */
  if (!sk || !emit_candidate(KIND_network_accept, &filter)) return;
  read_socket(&ends, sk);
  if (ends_are_filtered(&filter, KIND_network_accept, &ends)) return;
  struct vakt_task who;
  struct route route = {.fd = -1};
  struct task_struct *task = current_task();
  read_task(&who, task);
  route.abi = read_abi(task);
  emit_network(KIND_network_accept, &ends, &who, &route, 0);
}

/* Returns the socket's place in the table of flows. */
static __always_inline struct vakt_flow_socket *accept_claimed(__u64 socket) {
  struct vakt_flow_socket *open = 0;
  claim_accepted(socket, &open);
  return open;
}

/* Of the ways out, only the owner's own close or shutdown happens in its context: towards FIN_WAIT1
 * or LAST_ACK, or to CLOSE before an error is set (net/ipv4/tcp.c tcp_disconnect). */
static __always_inline bool closed_by_owner(struct sock *sk, int state) {
  if (state == TCP_FIN_WAIT1 || state == TCP_LAST_ACK) return true;
  return state == TCP_CLOSE && !BPF_CORE_READ(sk, sk_err) && BPF_CORE_READ(sk, sk_socket);
}

static __always_inline int on_connect_state(struct sock *sk, int from, int to) {
  struct vakt_control *c = control_block();
  if (!c || !kind_enabled(c, KIND_network_connect)) return 0;
  if (READ_MEMBER(sk, sk_protocol) != IPPROTO_TCP) return 0;
  if (to == TCP_SYN_SENT)
    connect_started(sk);
  else if (from == TCP_SYN_SENT && to == TCP_ESTABLISHED)
    connect_ended(sk, 0);
  else if (from == TCP_SYN_SENT && to == TCP_CLOSE)
    connect_closed(sk);
  return 0;
}

static __always_inline int on_accept_state(struct sock *sk, int from, int to) {
  struct vakt_control *c = control_block();
  if (!c || !(kind_enabled(c, KIND_network_accept) || kind_enabled(c, VAKT_FLOWS_KIND))) return 0;
  if (READ_MEMBER(sk, sk_protocol) != IPPROTO_TCP) return 0;
  if (from == TCP_SYN_RECV && to != TCP_CLOSE)
    accept_arrived(sk);
  else if (closed_by_owner(sk, to))
    accept_claimed((__u64)sk);
  return 0;
}

static __always_inline int on_retransmit(struct sock *sk) {
  connect_ended(sk, -EINPROGRESS); /* only sockets that are still connecting are in the table */
  return 0;
}

/* Before it is known whether there is a way to the address; the exit of the call knows, and tells
 * where it can be seen. */
static __always_inline void on_udp_connect(struct bpf_sock_addr *ctx, bool ipv6) {
  if (ctx->protocol != IPPROTO_UDP) return;
  struct task_struct *task = current_task();
  struct route route;
  read_route(&route, task);
  if (told_at_exit(KIND_network_connect, &route, SYS_connect)) return;
  struct prefilter filter;
  struct ends ends;
  if (!emit_candidate(KIND_network_connect, &filter)) return;
  read_target(&ends, ctx, ipv6);
  if (ends_are_filtered(&filter, KIND_network_connect, &ends)) return;
  struct vakt_header h;
  struct vakt_network *r = emit_reserve(&h, KIND_network_connect, LANE_network_connect, sizeof(*r));
  if (!r) return;
  begin_network(r, &ends);
  r->header = h;
  r->header.abi = route.abi;
  read_task(&r->task, task);
  r->fd = route.fd;
  emit_submit(r, &h);
}

/* A repeated segment (4.15): rare; the first SYN is repeated after 1 s. */
SEC("tp_btf/tcp_retransmit_skb")
int BPF_PROG(network_connect_retransmit, struct sock *sk) {
  return on_retransmit(sk);
}

/* The end of a TCP socket (4.16): the last chance to name the owner of one that nobody used. */
SEC("tp_btf/tcp_destroy_sock")
int BPF_PROG(network_accept_destroy, struct sock *sk) {
  claim_accepted((__u64)sk, 0); /* closed before, and so its flow */
  return 0;
}

/* connect(2) of a datagram socket (4.17). Always allows. */
SEC("cgroup/connect4")
int network_connect4(struct bpf_sock_addr *ctx) {
  on_udp_connect(ctx, false);
  return 1;
}

SEC("cgroup/connect6")
int network_connect6(struct bpf_sock_addr *ctx) {
  on_udp_connect(ctx, true);
  return 1;
}

/* accept(2) with an address, or getpeername(2) (5.8). Always allows. */
SEC("cgroup/getpeername4")
int network_accept4(struct bpf_sock_addr *ctx) {
  accept_claimed(ctx->sk);
  return 1;
}

SEC("cgroup/getpeername6")
int network_accept6(struct bpf_sock_addr *ctx) {
  accept_claimed(ctx->sk);
  return 1;
}
