// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/*
 * Making and naming sockets, tracepoint tier. The exit of a call tells everything: family, name, what
 * came of it. It has a price, though: any system-call tracepoint slows all system calls (~55 ns). So
 * connect, bind and listen are also seen by hooks that cost others nothing; those report what they
 * can where no exit is watched, and what came by another route (io_uring, 32-bit calls) always.
 */
#include "bpf/lib/end_scan.h"

extern void *bpf_cast_to_kern_ctx(void *context) __ksym __weak; /* since 6.2 */

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
  struct ends ends = {
      .family = c->arg[1], .type = c->arg[2] & SOCK_TYPE_MASK, .protocol = c->arg[3]};
  begin_network(r, &ends);
  r->header = h;
  r->header.abi = c->abi;
  read_task(&r->task, current_task());
  r->argument = c->arg[2] & ~SOCK_TYPE_MASK;
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
static __always_inline void read_outcome(struct ends *e, const struct call *c, struct sock *sk) {
  read_socket(e, sk);
  if (c->nr == SYS_listen || c->result >= 0) return;
  read_claimed_address(e, (void *)c->arg[2], c->arg[3], c->nr == SYS_connect);
}

/* The name of a unix socket, after success; else the one that was asked for. */
static __always_inline __u32 put_unix_outcome(struct scratch *s, __u32 end, struct vakt_network *r,
                                              const struct call *c, struct task_struct *task,
                                              struct sock *sk) {
  if (c->result >= 0) {
    struct sock *named = c->nr == SYS_connect ? READ_MEMBER((struct unix_sock *)sk, peer) : sk;
    return named ? put_unix_name(s, end, r, task, named) : end;
  }
  __u32 size = c->arg[3];
  bool failed;
  if (c->nr == SYS_listen || size < 2 || size > ADDRESS_SIZE_MAX) return end;
  r->facts |= VAKT_NAME_CLAIMED;
  return put_user(s, end, &r->path, (void *)c->arg[2] + 2, size - 2, &failed);
}

static __always_inline int emit_socket_call(const struct call *c) {
  __u32 kind = c->nr == SYS_connect ? KIND_network_connect
               : c->nr == SYS_bind  ? KIND_network_bind
                                    : KIND_network_listen;
  struct task_struct *task = current_task();
  struct sock *sk = read_socket_fd(task, c->arg[1]);
  if (!sk) return 0; /* no socket: nothing was done to the network */
  if (c->nr == SYS_connect && is_told_connect(c, sk, task->pid)) return 0;
  struct prefilter filter;
  struct ends ends;
  if (!emit_candidate(kind, &filter)) return 0;
  read_outcome(&ends, c, sk);
  if (ends_are_filtered(&filter, kind, &ends)) return 0;
  struct vakt_header h;
  struct scratch *s = emit_scratch_begin(&h, kind, VAKT_LANE_BULK);
  if (!s) return 0;
  struct vakt_network *r = (void *)s->record;
  begin_network(r, &ends);
  r->header = h;
  r->header.abi = c->abi;
  read_task(&r->task, task);
  r->result = c->result;
  r->fd = c->arg[1];
  r->syscall_nr = c->nr;
  if (c->nr == SYS_listen) r->argument = c->arg[2];
  __u32 end = sizeof(*r);
  if (ends.family == AF_UNIX) end = put_unix_outcome(s, end, r, c, task, sk);
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
  struct ends ends;
  read_socket(&ends, sk);
  begin_network(r, &ends);
  r->header = h;
  r->header.abi = c->abi;
  read_task(&r->task, task);
  r->result = c->result;
  r->fd = c->result;
  r->argument = c->arg[1];
  r->syscall_nr = c->nr;
  __u32 end = sizeof(*r);
  if (r->family == AF_UNIX) end = put_unix_name(s, end, r, task, sk);
  end = put_caller(s, end, &r->task, KIND_network_dup);
  emit_scratch_end(s, KIND_network_dup, LANE_network_dup, end);
  return 0;
}

/* ---- hooks that cost others nothing */

/* True when the current task's call is a candidate that no other hook tells. */
static __always_inline bool is_for_free_hook(__u32 kind, struct prefilter *filter,
                                             struct route *route, __s32 nr) {
  read_route(route, current_task());
  if (told_at_exit(kind, route, nr)) return false;
  if (nr == SYS_socket && route->abi == VAKT_ABI_IO_URING)
    return false; /* told at its completion */
  return emit_candidate(kind, filter);
}

static __always_inline void emit_free_hook(__u32 kind, const struct route *route, __s32 nr,
                                           const struct ends *ends, __s32 argument) {
  struct vakt_header h;
  struct vakt_network *r = emit_reserve(&h, kind, VAKT_LANE_BULK, sizeof(*r));
  if (!r) return;
  begin_network(r, ends);
  r->header = h;
  r->header.abi = route->abi;
  read_task(&r->task, current_task());
  r->syscall_nr = nr;
  r->argument = argument;
  if (nr != SYS_socket) r->fd = route->fd;
  emit_submit(r, &h);
}

static __always_inline int on_sock_create(struct bpf_sock *ctx) {
  struct prefilter filter;
  struct route route;
  if (!is_for_free_hook(KIND_network_socket, &filter, &route, SYS_socket)) return 1;
  struct ends ends = {.family = ctx->family, .type = ctx->type, .protocol = ctx->protocol};
  emit_free_hook(KIND_network_socket, &route, SYS_socket, &ends, 0);
  return 1;
}

static __always_inline int on_bound(struct bpf_sock *ctx, bool ipv6) {
  struct prefilter filter;
  struct route route;
  if (!is_for_free_hook(KIND_network_bind, &filter, &route, SYS_bind)) return 1;
  struct in6_addr local = {}, none = {};
  struct ends ends = {.type = ctx->type, .protocol = ctx->protocol, .local_port = ctx->src_port};
  if (ipv6) {
    local.in6_u.u6_addr32[0] = ctx->src_ip6[0];
    local.in6_u.u6_addr32[1] = ctx->src_ip6[1];
    local.in6_u.u6_addr32[2] = ctx->src_ip6[2];
    local.in6_u.u6_addr32[3] = ctx->src_ip6[3];
    set_v6(&ends, &local, &none);
  } else {
    set_v4(&ends, ctx->src_ip4, 0);
  }
  if (!ends_are_filtered(&filter, KIND_network_bind, &ends))
    emit_free_hook(KIND_network_bind, &route, SYS_bind, &ends, 0);
  return 1;
}

static __always_inline int on_listen(struct sock *sk) {
  struct prefilter filter;
  struct route route;
  struct ends ends;
  if (!is_for_free_hook(KIND_network_listen, &filter, &route, SYS_listen)) return 0;
  read_socket(&ends, sk);
  if (!ends_are_filtered(&filter, KIND_network_listen, &ends))
    emit_free_hook(KIND_network_listen, &route, SYS_listen, &ends,
                   READ_MEMBER(sk, sk_max_ack_backlog));
  return 0;
}

static __always_inline int on_unix_connect(struct bpf_sock_addr *ctx) {
  struct task_struct *task = current_task();
  struct route route;
  read_route(&route, task);
  if (told_at_exit(KIND_network_connect, &route, SYS_connect)) return 1;
  struct prefilter filter;
  struct ends ends = {.family = AF_UNIX};
  if (!bpf_cast_to_kern_ctx || !emit_candidate(KIND_network_connect, &filter)) return 1;
  if (ends_are_filtered(&filter, KIND_network_connect, &ends)) return 1;
  struct bpf_sock_addr_kern *kernel = bpf_cast_to_kern_ctx(ctx);
  struct sock *sk = READ_MEMBER(kernel, sk);
  ends.type = READ_MEMBER(sk, sk_type);
  struct vakt_header h;
  struct scratch *s = emit_scratch_begin(&h, KIND_network_connect, LANE_network_connect);
  if (!s) return 1;
  struct vakt_network *r = (void *)s->record;
  begin_network(r, &ends);
  r->header = h;
  r->header.abi = route.abi;
  read_task(&r->task, task);
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

CALL_EXIT(network_socket, emit_network_socket)

/* network_connect, network_bind and network_listen: the exits of the calls. */
CALL_EXIT(network_call, emit_socket_call)

/* dup, dup2, dup3 and fcntl(F_DUPFD). */
CALL_EXIT(network_dup, emit_network_dup)

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

/* A connect of a unix socket (6.7), before its outcome: tells where no exit is watched. The section
 * is a stand-in: libbpf before 1.3 does not know cgroup/connect_unix, so the agent sets its type. */
SEC("cgroup/connect4")
int network_connect_unix(struct bpf_sock_addr *ctx) {
  return on_unix_connect(ctx);
}
