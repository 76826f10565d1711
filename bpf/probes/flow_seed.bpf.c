// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/*
 * TCP sockets that are older than the agent: an iterator over all descriptors of all processes
 * finds them with their owners, in every network namespace. It is run twice: the first time finds
 * who listens where, so that the second knows which connections came in. What they have said before
 * does not count.
 */
#include "bpf/lib/flow.h"

/* Where somebody listens: network namespace << 16 | port. Entry 0 is made by the agent: all of them
 * are known. */
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 4096);
  __type(key, __u64);
  __type(value, __u8);
} flow_listening SEC(".maps");

static __always_inline void seed_listener(struct sock *sk, __u64 place, __u64 cookie) {
  __u64 socket = (__u64)sk;
  struct vakt_flow_socket open = {
      .cookie = cookie, .socket = socket, .direction = VAKT_FLOW_LISTEN};
  __u8 yes = 1;
  open.begin_boot_ns = bpf_ktime_get_boot_ns();
  bpf_map_update_elem(&flow_listening, &place, &yes, BPF_ANY);
  bpf_map_update_elem(&flow_sockets, &socket, &open, BPF_NOEXIST);
}

static __always_inline void seed_connection(struct sock *sk, __u8 state, __u64 place,
                                            __u64 cookie) {
  __u64 socket = (__u64)sk;
  struct vakt_flow_socket open = {.cookie = cookie, .socket = socket, .told = VAKT_TOLD_CONNECTION};
  struct tcp_counts n;
  bool passive = bpf_map_lookup_elem(&flow_listening, &place) != 0;
  open.direction = passive ? VAKT_FLOW_IN : VAKT_FLOW_OUT;
  if (state != TCP_SYN_SENT) open.told |= VAKT_TOLD_ESTABLISHED;
  open.begin_boot_ns = bpf_ktime_get_boot_ns();
  read_tcp_counts(&n, sk, passive);
  open.bytes_out = n.bytes_out;
  open.bytes_in = n.bytes_in;
  open.packets_out = n.packets_out;
  open.packets_in = n.packets_in;
  open.retransmits = n.retransmits;
  bpf_map_update_elem(&flow_sockets, &socket, &open, BPF_NOEXIST);
}

SEC("iter/task_file")
int flow_seed(struct bpf_iter__task_file *ctx) {
  struct task_struct *task = ctx->task;
  struct file *file = ctx->file;
  __u64 all_known = 0;
  if (!task || !file) return 0;
  struct inode *inode = READ_MEMBER(file, f_inode);
  if ((READ_MEMBER(inode, i_mode) & S_IFMT) != S_IFSOCK) return 0;
  struct socket *socket = READ_MEMBER(file, private_data);
  struct sock *sk = socket ? READ_MEMBER(socket, sk) : 0;
  if (!sk) return 0;
  __u16 family = READ_MEMBER(sk, __sk_common.skc_family);
  if ((family != AF_INET && family != AF_INET6) || READ_MEMBER(sk, sk_protocol) != IPPROTO_TCP)
    return 0;
  __u8 state = READ_MEMBER(sk, __sk_common.skc_state);
  __u64 place = (__u64)read_net_ns(sk) << 16 | READ_MEMBER(sk, __sk_common.skc_num);
  __u64 cookie = read_cookie(untrusted_task(task));
  if (state == TCP_LISTEN)
    seed_listener(sk, place, cookie);
  else if (state != TCP_CLOSE && bpf_map_lookup_elem(&flow_listening, &all_known))
    seed_connection(sk, state, place, cookie);
  return 0;
}
