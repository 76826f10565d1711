// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/*
 * Datagrams of sockets that are not connected (network_send, network_receive), tracepoint tier: the
 * peer's address is known to cgroup hooks that cost other sockets nothing. Each flow (socket, peer)
 * is told once, by whichever direction comes first, so a flood to one peer is one event. A flow
 * that was pushed out of the table by 16,384 others is told again. A receive is seen when the
 * program asks for the address.
 */
#include "bpf/lib/end_scan.h"

struct flow {
  __u64 socket_cookie;
  __u8 peer[16];
  __u32 port;
  __u32 ipv6;
};

struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, VAKT_FLOWS);
  __type(key, struct flow);
  __type(value, __u8);
} flows SEC(".maps");

/* Which of the calls it was; the plainest for other ways. */
static __always_inline __u32 datagram_call(const struct route *route, bool sends) {
  if (sends) return route->nr == SYS_sendmsg || route->nr == SYS_sendmmsg ? route->nr : SYS_sendto;
  return route->nr == SYS_recvmsg || route->nr == SYS_recvmmsg ? route->nr : SYS_recvfrom;
}

static __always_inline __u16 read_local_port(struct bpf_sock_addr *ctx) {
  struct bpf_sock *sk = (void *)ctx->sk;
  return sk ? sk->src_port : 0;
}

static __always_inline int on_datagram(struct bpf_sock_addr *ctx, __u32 kind, bool ipv6) {
  struct vakt_control *c = control_block();
  struct flow flow = {};
  __u8 seen = 1;
  if (!c || !kind_enabled(c, kind)) return 1;
  flow.socket_cookie = bpf_get_socket_cookie(ctx);
  flow.port = ctx->user_port;
  flow.ipv6 = ipv6;
  if (ipv6) {
    ((__u32 *)flow.peer)[0] = ctx->user_ip6[0];
    ((__u32 *)flow.peer)[1] = ctx->user_ip6[1];
    ((__u32 *)flow.peer)[2] = ctx->user_ip6[2];
    ((__u32 *)flow.peer)[3] = ctx->user_ip6[3];
  } else {
    ((__u32 *)flow.peer)[0] = ctx->user_ip4;
  }
  if (bpf_map_lookup_elem(&flows, &flow)) return 1;
  bpf_map_update_elem(&flows, &flow, &seen, BPF_ANY);
  struct prefilter filter;
  struct ends ends;
  if (!emit_candidate(kind, &filter)) return 1;
  read_target(&ends, ctx, ipv6);
  ends.local_port = read_local_port(ctx);
  if (ends_are_filtered(&filter, kind, &ends)) return 1;
  struct task_struct *task = current_task();
  struct route route;
  struct vakt_header h;
  struct vakt_network *r = emit_reserve(&h, kind, VAKT_LANE_BULK, sizeof(*r));
  if (!r) return 1;
  read_route(&route, task);
  begin_network(r, &ends);
  r->header = h;
  r->header.abi = route.abi;
  read_task(&r->task, task);
  r->fd = route.fd;
  r->syscall_nr = datagram_call(&route, kind == KIND_network_send);
  emit_submit(r, &h);
  return 1;
}
