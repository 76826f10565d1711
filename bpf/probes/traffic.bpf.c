// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/*
 * Hooks that several families look at: one program each, since to be run at all costs more than most
 * of what is done here. Each family asks for itself whether it is wanted.
 */
#include "bpf/lib/flow.h"

/* The states that somebody asks for: the others are steps of a handshake or of a close. */
#define STATES_OF_INTEREST                                                                     \
  (1u << TCP_ESTABLISHED | 1u << TCP_SYN_SENT | 1u << TCP_FIN_WAIT1 | 1u << TCP_CLOSE |        \
   1u << TCP_LAST_ACK | 1u << TCP_LISTEN)

/* Every TCP state change (4.16): ten per connection and its end, nothing per packet. The owner of an
 * accepted connection is noted before its flow ends. */
SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(network_state, struct sock *sk, int from, int to) {
  if (!(STATES_OF_INTEREST >> (to & 31) & 1) && from != TCP_SYN_RECV) return 0;
  on_connect_state(sk, from, to);
  on_accept_state(sk, from, to);
  if (to == TCP_LISTEN) on_listen(sk);
  on_flow_state(sk, from, to);
  return 0;
}

/* net/socket.c sock_sendmsg and sock_recvmsg (6.3): every send and receive of every socket, by
 * whichever call. Of TCP: one look-up, and what the first few sends say. */
SEC("tp_btf/sock_send_length")
int BPF_PROG(network_sent, struct sock *sk, int result) {
  struct sock *tcp = tcp_of(sk);
  if (!tcp) {
    on_flow_datagram(sk, result, 0, true);
    return 0;
  }
  struct vakt_flow_socket *open = accept_claimed((__u64)tcp);
  if (open) on_stream_sent(tcp, open, result);
  return 0;
}

SEC("tp_btf/sock_recv_length")
int BPF_PROG(network_received, struct sock *sk, int result, int flags) {
  struct sock *tcp = tcp_of(sk);
  if (!tcp) {
    on_flow_datagram(sk, result, flags, false);
    return 0;
  }
  struct vakt_flow_socket *open = accept_claimed((__u64)tcp);
  if (open) on_stream_received(tcp, open, result, flags);
  return 0;
}

/* net/ipv4/udp.c udp_sendmsg and its like, to an address that comes with the datagram (4.18). */
SEC("cgroup/sendmsg4")
int network_send4(struct bpf_sock_addr *ctx) {
  on_flow_peer(ctx, false);
  return on_datagram(ctx, KIND_network_send, false);
}

SEC("cgroup/sendmsg6")
int network_send6(struct bpf_sock_addr *ctx) {
  on_flow_peer(ctx, true);
  return on_datagram(ctx, KIND_network_send, true);
}

/* net/ipv4/udp.c udp_recvmsg, when the program asks who sent (5.2). */
SEC("cgroup/recvmsg4")
int network_receive4(struct bpf_sock_addr *ctx) {
  on_flow_peer(ctx, false);
  return on_datagram(ctx, KIND_network_receive, false);
}

SEC("cgroup/recvmsg6")
int network_receive6(struct bpf_sock_addr *ctx) {
  on_flow_peer(ctx, true);
  return on_datagram(ctx, KIND_network_receive, true);
}
