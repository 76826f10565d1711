// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/*
 * Making and naming sockets, tracepoint tier. The exit of a call tells everything: family, name, what
 * came of it. It has a price, though: any system-call tracepoint slows all system calls (~55 ns). So
 * connect, bind and listen are also seen by hooks that cost others nothing; those report what they
 * can where no exit is watched, and what came by another route (io_uring, 32-bit calls) always.
 */
#include "bpf/lib/socket.h"

extern void *bpf_cast_to_kern_ctx(void *context) __ksym __weak; /* since 6.2 */

#define EISCONN 106
#define EALREADY 114
#define EINTR 4
#define ERESTARTSYS 512
#define F_DUPFD 0
#define F_DUPFD_CLOEXEC 1030
#define SOCK_TYPE_MASK 0xf

/* ---- socket(2) */

/* The registers are the truth here: the arguments are numbers. */
static __always_inline int emit_network_socket(const struct call *c) {
  if (!emit_wanted(KIND_network_socket)) return 0;
  struct vakt_header h;
  struct vakt_network *r = emit_reserve(&h, KIND_network_socket, LANE_network_socket, sizeof(*r));
  if (!r) return 0;
  clear_network(r);
  r->header = h;
  r->header.abi = c->abi;
  read_task(&r->task, current_task());
  r->family = c->arg[1];
  r->type = c->arg[2] & SOCK_TYPE_MASK;
  r->argument = c->arg[2] & ~SOCK_TYPE_MASK;
  r->protocol = c->arg[3];
  r->result = c->result;
  r->fd = c->result >= 0 ? c->result : -1;
  r->syscall_nr = SYS_socket;
  emit_submit(r, &h);
  return 0;
}

/* ---- connect, bind, listen: the exit of the call */

/* A TCP connect that its states have told, or that is not over; a connect that only dissolved what
 * was (to AF_UNSPEC). */
static __always_inline bool is_told_connect(const struct call *c, struct sock *sk, __u32 tid) {
  __u16 family = READ_MEMBER(sk, __sk_common.skc_family);
  __u16 protocol = READ_MEMBER(sk, sk_protocol);
  if (family != AF_INET && family != AF_INET6) return false;
  if (c->result >= 0 && READ_MEMBER(sk, __sk_common.skc_state) != TCP_ESTABLISHED) return true;
  if (protocol != IPPROTO_TCP && protocol != IPPROTO_MPTCP) return false;
  if (c->result >= 0 || c->result <= -ERESTARTSYS) return true;
  if (c->result == -EINPROGRESS || c->result == -EALREADY || c->result == -EISCONN ||
      c->result == -EINTR)
    return true;
  __u64 thread = tid;
  __u64 *told = bpf_map_lookup_elem(&connect_failures, &thread);
  if (!told) return false;
  /* An MPTCP connection is told by the socket of its first subflow. */
  bool same = *told == (__u64)sk || protocol == IPPROTO_MPTCP;
  bpf_map_delete_elem(&connect_failures, &thread);
  return same;
}

/* What the socket says after success; else what was asked for. */
static __always_inline __u32 put_outcome(struct scratch *s, __u32 end, struct vakt_network *r,
                                         const struct call *c, struct task_struct *task,
                                         struct sock *sk) {
  bool connects = c->nr == SYS_connect;
  read_socket(r, sk);
  if (c->nr == SYS_listen) r->argument = c->arg[2];
  if (r->family == AF_UNIX && c->result >= 0) {
    struct sock *named = connects ? READ_MEMBER((struct unix_sock *)sk, peer) : sk;
    return named ? put_unix_name(s, end, r, task, named) : end;
  }
  if (c->nr == SYS_listen || c->result >= 0) return end;
  return put_claimed_address(s, end, r, (void *)c->arg[2], c->arg[3], connects);
}

static __always_inline int emit_socket_call(const struct call *c) {
  __u32 kind = c->nr == SYS_connect ? KIND_network_connect
               : c->nr == SYS_bind  ? KIND_network_bind
                                    : KIND_network_listen;
  struct task_struct *task = current_task();
  struct sock *sk = read_socket_fd(task, c->arg[1]);
  if (!sk) return 0; /* no socket: nothing was done to the network */
  if (c->nr == SYS_connect && is_told_connect(c, sk, task->pid)) return 0;
  if (!emit_wanted(kind)) return 0;
  struct vakt_header h;
  struct scratch *s = emit_scratch_begin(&h, kind, VAKT_LANE_BULK);
  if (!s) return 0;
  struct vakt_network *r = (void *)s->record;
  clear_network(r);
  r->header = h;
  r->header.abi = c->abi;
  read_task(&r->task, task);
  r->result = c->result;
  r->fd = c->arg[1];
  r->syscall_nr = c->nr;
  __u32 end = put_outcome(s, sizeof(*r), r, c, task, sk);
  emit_scratch_end(s, kind, VAKT_LANE_BULK, end);
  return 0;
}

/* ---- dup(2) and its like */

/* Sockets that become standard input, output or error, and no others: the mark of a remote shell.
 * Shells redirect files all the time. */
static __always_inline bool is_redirection(const struct call *c) {
  if (c->result < 0 || c->result > 2) return false;
  if (c->nr == SYS_fcntl) return c->arg[2] == F_DUPFD || c->arg[2] == F_DUPFD_CLOEXEC;
  return c->nr == SYS_dup || c->arg[1] != c->arg[2]; /* dup2(1, 1) changes nothing */
}

static __always_inline int emit_network_dup(const struct call *c) {
  if (!is_redirection(c)) return 0;
  struct task_struct *task = current_task();
  struct sock *sk = read_socket_fd(task, c->result);
  if (!sk || !emit_wanted(KIND_network_dup)) return 0;
  struct vakt_header h;
  struct scratch *s = emit_scratch_begin(&h, KIND_network_dup, LANE_network_dup);
  if (!s) return 0;
  struct vakt_network *r = (void *)s->record;
  clear_network(r);
  r->header = h;
  r->header.abi = c->abi;
  read_task(&r->task, task);
  read_socket(r, sk);
  r->result = c->result;
  r->fd = c->result;
  r->argument = c->arg[1];
  r->syscall_nr = c->nr;
  __u32 end = sizeof(*r);
  if (r->family == AF_UNIX) end = put_unix_name(s, end, r, task, sk);
  emit_scratch_end(s, KIND_network_dup, LANE_network_dup, end);
  return 0;
}

/* ---- hooks that cost others nothing */

/* The start of a record about the current task's call; null when another hook tells it, or nobody
 * wants to know. */
static __always_inline struct vakt_network *begin_free_hook(struct vakt_header *h, __u32 kind,
                                                            __s32 nr) {
  struct task_struct *task = current_task();
  struct route route;
  read_route(&route, task);
  if (told_at_exit(kind, &route, nr)) return 0;
  if (nr == SYS_socket && route.abi == VAKT_ABI_IO_URING) return 0; /* told at its completion */
  if (!emit_wanted(kind)) return 0;
  struct vakt_network *r = emit_reserve(h, kind, VAKT_LANE_BULK, sizeof(*r));
  if (!r) return 0;
  clear_network(r);
  r->header = *h;
  r->header.abi = route.abi;
  read_task(&r->task, task);
  r->syscall_nr = nr;
  if (nr != SYS_socket) r->fd = route.fd;
  return r;
}

static __always_inline int on_sock_create(struct bpf_sock *ctx) {
  struct vakt_header h;
  struct vakt_network *r = begin_free_hook(&h, KIND_network_socket, SYS_socket);
  if (!r) return 1;
  r->family = ctx->family;
  r->type = ctx->type;
  r->protocol = ctx->protocol;
  emit_submit(r, &h);
  return 1;
}

static __always_inline int on_bound(struct bpf_sock *ctx, bool ipv6) {
  struct vakt_header h;
  struct vakt_network *r = begin_free_hook(&h, KIND_network_bind, SYS_bind);
  if (!r) return 1;
  struct in6_addr local = {}, none = {};
  r->type = ctx->type;
  r->protocol = ctx->protocol;
  r->local_port = ctx->src_port;
  if (ipv6) {
    local.in6_u.u6_addr32[0] = ctx->src_ip6[0];
    local.in6_u.u6_addr32[1] = ctx->src_ip6[1];
    local.in6_u.u6_addr32[2] = ctx->src_ip6[2];
    local.in6_u.u6_addr32[3] = ctx->src_ip6[3];
    set_v6(r, &local, &none);
  } else {
    set_v4(r, ctx->src_ip4, 0);
  }
  emit_submit(r, &h);
  return 1;
}

static __always_inline int on_listen(struct sock *sk) {
  struct vakt_header h;
  struct vakt_network *r = begin_free_hook(&h, KIND_network_listen, SYS_listen);
  if (!r) return 0;
  read_socket(r, sk);
  r->argument = READ_MEMBER(sk, sk_max_ack_backlog);
  emit_submit(r, &h);
  return 0;
}

static __always_inline int on_unix_connect(struct bpf_sock_addr *ctx) {
  struct task_struct *task = current_task();
  struct route route;
  read_route(&route, task);
  if (told_at_exit(KIND_network_connect, &route, SYS_connect)) return 1;
  if (!bpf_cast_to_kern_ctx || !emit_wanted(KIND_network_connect)) return 1;
  struct bpf_sock_addr_kern *kernel = bpf_cast_to_kern_ctx(ctx);
  struct vakt_header h;
  struct scratch *s = emit_scratch_begin(&h, KIND_network_connect, LANE_network_connect);
  if (!s) return 1;
  struct vakt_network *r = (void *)s->record;
  clear_network(r);
  r->header = h;
  r->header.abi = route.abi;
  read_task(&r->task, task);
  r->family = AF_UNIX;
  struct sock *sk = READ_MEMBER(kernel, sk);
  r->type = READ_MEMBER(sk, sk_type);
  r->fd = route.fd;
  r->facts = VAKT_NAME_CLAIMED;
  __u32 end = sizeof(*r);
  __s32 size = READ_MEMBER(kernel, uaddrlen) - 2; /* the kernel's own copy of the argument */
  if (size > 0 && size <= UNIX_PATH_MAX)
    end = put_kernel(s, end, &r->path, (void *)READ_MEMBER(kernel, uaddr) + 2, size);
  emit_scratch_end(s, KIND_network_connect, LANE_network_connect, end);
  return 1;
}

/* ---- the hooks */

SEC("tracepoint/syscalls/sys_exit_socket")
int network_socket(struct trace_event_raw_sys_exit *ctx) {
  struct call c;
  read_call(&c, ctx);
  return emit_network_socket(&c);
}

/* network_connect, network_bind and network_listen: the exits of the calls. */
SEC("tracepoint/syscalls/sys_exit_connect")
int network_call(struct trace_event_raw_sys_exit *ctx) {
  struct call c;
  read_call(&c, ctx);
  return emit_socket_call(&c);
}

/* dup, dup2, dup3 and fcntl(F_DUPFD). */
SEC("tracepoint/syscalls/sys_exit_dup2")
int network_dup(struct trace_event_raw_sys_exit *ctx) {
  struct call c;
  read_call(&c, ctx);
  return emit_network_dup(&c);
}

/* Each internet socket that user space makes (4.10). Always allows. */
SEC("cgroup/sock_create")
int network_sock_create(struct bpf_sock *ctx) {
  return on_sock_create(ctx);
}

/* net/ipv4/af_inet.c __inet_bind, when it has succeeded (4.17). Always allows. */
SEC("cgroup/post_bind4")
int network_bound4(struct bpf_sock *ctx) {
  return on_bound(ctx, false);
}

SEC("cgroup/post_bind6")
int network_bound6(struct bpf_sock *ctx) {
  return on_bound(ctx, true);
}

/* Every TCP state change: a look at the new state. */
SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(network_listen_state, struct sock *sk, int from, int to) {
  return to == TCP_LISTEN ? on_listen(sk) : 0;
}

/* A connect of a unix socket (6.7), before its outcome: tells where no exit is watched. The section
 * is a stand-in: libbpf before 1.3 does not know cgroup/connect_unix, so the agent sets its type. */
SEC("cgroup/connect4")
int network_connect_unix(struct bpf_sock_addr *ctx) {
  return on_unix_connect(ctx);
}
