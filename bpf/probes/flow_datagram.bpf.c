// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/*
 * Flows of datagrams, and of whatever else is no TCP: added up at each send and receive, in the
 * context of the process that does it. The length is what the call returned, so sums are the
 * program's own. A connected socket knows its peer. Of others the cgroup hooks know it, which run
 * within the same call: the address waits here for the call's end.
 */
#include "bpf/lib/flow.h"

#define SOCK_BINDPORT_LOCK 8 /* include/net/sock.h: the program chose the port */

/* The peer of the call under way. */
struct flow_peer {
  __u64 socket;
  struct ends ends;
};

/* By thread. Taken away at the call's end. */
struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, 1024);
  __type(key, __u64);
  __type(value, struct flow_peer);
} flow_peers SEC(".maps");

static __always_inline void on_flow_peer(struct bpf_sock_addr *ctx, bool ipv6) {
  if (!flows_wanted()) return;
  __u64 thread = bpf_get_current_pid_tgid();
  struct flow_peer peer = {.socket = (__u64)ctx->sk};
  read_target(&peer.ends, ctx, ipv6);
  bpf_map_update_elem(&flow_peers, &thread, &peer, BPF_ANY);
}

static __always_inline bool has_peer(const struct ends *e) { return e->remote_port != 0; }

/* Ports that the kernel chose tell one socket from another and nothing else: they are left out. So
 * is, where a program chose its own, the higher one of a well-known port and one that is not. */
static __always_inline void leave_out_ports(struct vakt_flow_key *key, struct sock *sk) {
  if (!(BPF_CORE_READ_BITFIELD_PROBED(sk, sk_userlocks) & SOCK_BINDPORT_LOCK)) {
    key->local_port = 0;
  } else if (key->local_port < VAKT_EPHEMERAL_PORT && key->remote_port >= VAKT_EPHEMERAL_PORT) {
    key->remote_port = 0;
  } else if (key->local_port >= VAKT_EPHEMERAL_PORT && key->remote_port < VAKT_EPHEMERAL_PORT &&
             key->remote_port) {
    key->local_port = 0;
  }
}

/* A send of a large buffer that the kernel cuts into datagrams (UDP_SEGMENT). */
static __always_inline __u64 datagrams_of(struct sock *sk, const struct ends *e, __u64 bytes) {
  struct udp_sock *udp = (void *)sk;
  if (e->protocol != IPPROTO_UDP) return 1;
  __u32 segment = READ_MEMBER(udp, gso_size);
  return segment && bytes > segment ? (bytes + segment - 1) / segment : 1;
}

static __always_inline void on_flow_datagram(struct sock *sk, int result, int flags, bool sent) {
  struct vakt_control *c = control_block();
  struct ends e;
  struct vakt_flow_key key;
  if (!c || !kind_enabled(c, VAKT_FLOWS_KIND)) return;
  read_socket(&e, sk);
  if ((e.family != AF_INET && e.family != AF_INET6) || e.protocol == IPPROTO_MPTCP) return;
  if (!has_peer(&e)) {
    __u64 thread = bpf_get_current_pid_tgid();
    struct flow_peer *peer = bpf_map_lookup_elem(&flow_peers, &thread);
    if (peer) {
      if (peer->socket == (__u64)sk) {
        e.family = peer->ends.family;
        e.remote_port = peer->ends.remote_port;
        __builtin_memcpy(e.remote_addr, peer->ends.remote_addr, sizeof(e.remote_addr));
      }
      bpf_map_delete_elem(&flow_peers, &thread);
    }
  }
  if (result < 0 || (!sent && flags & (MSG_PEEK | MSG_ERRQUEUE)) || !in_scope(c)) return;
  if (!sent && e.remote_port == VAKT_DNS_PORT && e.protocol == IPPROTO_UDP && result > 0)
    on_dns_answer(sk, &e, result);
  flow_key_of(&key, &e, read_cookie(current_task()), read_net_ns(sk));
  leave_out_ports(&key, sk);
  __u64 datagrams = sent ? datagrams_of(sk, &e, result) : 1;
  struct vakt_flow_counts *counts = flow_counts_of(&key, sent, datagrams);
  if (!counts) return;
  flow_touch(counts, 0);
  flow_add(sent ? &counts->bytes_out : &counts->bytes_in, result);
  flow_add(sent ? &counts->packets_out : &counts->packets_in, datagrams);
}
