/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* What sockets know of themselves: family, addresses, names. For the probes of the network family. */
#ifndef VAKT_BPF_SOCKET_H
#define VAKT_BPF_SOCKET_H

#include "bpf/lib/call.h"

#include <bpf/bpf_endian.h>

#define AF_UNSPEC 0
#define AF_UNIX 1
#define AF_INET 2
#define AF_INET6 10
#define SOCK_STREAM 1
#define SOCK_DGRAM 2
#define IPPROTO_TCP 6
#define IPPROTO_UDP 17
#define IPPROTO_MPTCP 262
#define TCP_ESTABLISHED 1
#define TCP_SYN_SENT 2
#define TCP_SYN_RECV 3
#define TCP_FIN_WAIT1 4
#define TCP_CLOSE 7
#define TCP_LAST_ACK 9
#define TCP_LISTEN 10
#define EINTR 4
#define EISCONN 106
#define EALREADY 114
#define EINPROGRESS 115
#define ERESTARTSYS 512
#define ECONNABORTED 103
#define S_IFMT 0170000
#define S_IFSOCK 0140000
#define UNIX_PATH_MAX 108
#define ADDRESS_SIZE_MAX 128 /* sizeof(struct sockaddr_storage) */

static __always_inline bool is_v4_mapped(const struct in6_addr *a) {
  return a->in6_u.u6_addr32[0] == 0 && a->in6_u.u6_addr32[1] == 0 &&
         a->in6_u.u6_addr32[2] == bpf_htonl(0xffff);
}

/* What a record tells of its socket, in the record's own order: known before there is a record. */
struct ends {
  __u8 local_addr[16];
  __u8 remote_addr[16];
  __u16 local_port;
  __u16 remote_port;
  __u16 family;
  __u16 protocol;
  __u16 type;
  __u16 flags;
};
_Static_assert(sizeof(struct ends) == __builtin_offsetof(struct vakt_network, result) -
                                          __builtin_offsetof(struct vakt_network, local_addr),
               "ends are copied as they are");

static __always_inline void set_v4(struct ends *e, __be32 local, __be32 remote) {
  e->family = AF_INET;
  __builtin_memset(e->local_addr, 0, sizeof(e->local_addr));
  __builtin_memset(e->remote_addr, 0, sizeof(e->remote_addr));
  __builtin_memcpy(e->local_addr, &local, sizeof(local));
  __builtin_memcpy(e->remote_addr, &remote, sizeof(remote));
}

static __always_inline void set_v6(struct ends *e, const struct in6_addr *local,
                                   const struct in6_addr *remote) {
  e->family = AF_INET6;
  __builtin_memcpy(e->local_addr, local, sizeof(*local));
  __builtin_memcpy(e->remote_addr, remote, sizeof(*remote));
}

/* Everything but header and task: of the socket what `e` says, the rest empty. */
static __always_inline void begin_network(struct vakt_network *r, const struct ends *e) {
  __builtin_memcpy(r->local_addr, e, sizeof(*e));
  __builtin_memset(&r->result, 0, sizeof(*r) - __builtin_offsetof(struct vakt_network, result));
  r->fd = -1;
}

static __always_inline void read_endpoints(struct ends *e, struct sock *sk) {
  e->local_port = bpf_ntohs(READ_MEMBER((struct inet_sock *)sk, inet_sport));
  e->remote_port = bpf_ntohs(READ_MEMBER(sk, __sk_common.skc_dport));
  e->flags = 0;
  if (READ_MEMBER(sk, __sk_common.skc_family) == AF_INET6) {
    struct in6_addr local = BPF_CORE_READ(sk, __sk_common.skc_v6_rcv_saddr);
    struct in6_addr remote = BPF_CORE_READ(sk, __sk_common.skc_v6_daddr);
    if (!is_v4_mapped(&remote) && !is_v4_mapped(&local)) {
      set_v6(e, &local, &remote);
      return;
    }
    e->flags = VAKT_NET_V4_MAPPED;
  }
  set_v4(e, READ_MEMBER(sk, __sk_common.skc_rcv_saddr), READ_MEMBER(sk, __sk_common.skc_daddr));
}

/* Family, type, protocol and, of an internet socket, both ends. */
static __always_inline void read_socket(struct ends *e, struct sock *sk) {
  __builtin_memset(e, 0, sizeof(*e));
  e->family = READ_MEMBER(sk, __sk_common.skc_family);
  e->type = READ_MEMBER(sk, sk_type);
  e->protocol = READ_MEMBER(sk, sk_protocol);
  if (e->family == AF_INET || e->family == AF_INET6) read_endpoints(e, sk);
}

/* The socket behind a descriptor of `task`; null when it is none. */
static __always_inline struct sock *read_socket_fd(struct task_struct *task, __s32 fd) {
  struct file *file = fd >= 0 ? read_fd(task, fd) : 0;
  if (!file) return 0;
  struct inode *inode = READ_MEMBER(file, f_inode);
  if ((READ_MEMBER(inode, i_mode) & S_IFMT) != S_IFSOCK) return 0;
  struct socket *socket = READ_MEMBER(file, private_data);
  return socket ? READ_MEMBER(socket, sk) : 0;
}

/* The name that a unix socket is bound to: the file's path, or the bytes of an abstract name, which
 * begin with a NUL. */
static __always_inline __u32 put_unix_name(struct scratch *s, __u32 end, struct vakt_network *r,
                                           struct task_struct *task, struct sock *sk) {
  struct unix_sock *unix = (void *)sk;
  struct dentry *dentry = READ_MEMBER(unix, path.dentry);
  if (dentry)
    return put_path(s, end, &r->path, &r->path_status, task, READ_MEMBER(unix, path.mnt), dentry);
  struct unix_address *address = READ_MEMBER(unix, addr);
  if (!address) return end;
  __s32 size = READ_MEMBER(address, len) - 2;
  if (size <= 0 || size > UNIX_PATH_MAX) return end;
  r->path_status = VAKT_PATH_OK;
  /* unix_address.name, a sockaddr_un, follows refcnt and len; its family takes two bytes. */
  void *name = (void *)((__u64)address + bpf_core_type_size(struct unix_address) + 2);
  return put_kernel(s, end, &r->path, name, size);
}

/* What sockaddr_in, sockaddr_in6 and sockaddr_un begin with. */
struct user_address {
  __u16 family;
  __be16 port;
  __be32 word[6]; /* IPv4: word 0. IPv6: words 1 to 4 */
};

/* The address argument of connect or bind: what was asked for, when the socket does not tell. */
static __always_inline void read_claimed_address(struct ends *e, const void *from, __u32 size,
                                                 bool remote) {
  struct user_address a = {};
  if (size < 2 || size > ADDRESS_SIZE_MAX) return;
  __u32 known = size;
  if (known > sizeof(a)) known = sizeof(a);
  asm volatile("" : "+r"(known)); /* a bound of its own for the verifier */
  if (known > sizeof(a) || bpf_probe_read_user(&a, known, from)) return;
  e->family = a.family;
  if (a.family != AF_INET && a.family != AF_INET6) return;
  struct in6_addr none = {}, ip = {};
  if (remote)
    e->remote_port = bpf_ntohs(a.port);
  else
    e->local_port = bpf_ntohs(a.port);
  if (a.family == AF_INET) return set_v4(e, remote ? 0 : a.word[0], remote ? a.word[0] : 0);
  __builtin_memcpy(&ip, &a.word[1], sizeof(ip));
  if (is_v4_mapped(&ip)) {
    e->flags |= VAKT_NET_V4_MAPPED;
    set_v4(e, remote ? 0 : a.word[4], remote ? a.word[4] : 0);
  } else if (remote) {
    set_v6(e, &none, &ip);
  } else {
    set_v6(e, &ip, &none);
  }
}

/* How the current task came into the kernel, and by which call. */
struct route {
  __u32 abi;
  __s32 nr; /* x86-64 number; -1: another route */
  __s32 fd; /* first argument of that call; -1: not known */
};

static __always_inline void read_route(struct route *route, struct task_struct *task) {
  struct pt_regs *regs = (void *)bpf_task_pt_regs(bpf_get_current_task_btf());
  route->abi = read_abi(task);
  route->nr = -1;
  route->fd = -1;
  if (task->flags & PF_IO_WORKER || regs->orig_ax == SYS_io_uring_enter)
    route->abi = VAKT_ABI_IO_URING;
  if (route->abi != VAKT_ABI_X86_64) return;
  route->nr = regs->orig_ax & ~X32_SYSCALL_BIT;
  route->fd = regs->di;
}

/* True when the exit of the call that is under way will be seen, with its outcome: hooks that run
 * before then leave the report to it. */
static __always_inline bool told_at_exit(__u32 kind, const struct route *route, __s32 nr) {
  struct vakt_control *c = control_block();
  return c && c->exit_kinds >> kind & 1 && route->nr == nr;
}

/* The address that a cgroup program was called with. */
static __always_inline void read_target(struct ends *e, struct bpf_sock_addr *ctx, bool ipv6) {
  struct in6_addr none = {}, remote = {};
  __builtin_memset(e, 0, sizeof(*e));
  e->protocol = ctx->protocol;
  e->type = ctx->type;
  e->remote_port = bpf_ntohs(ctx->user_port);
  if (ipv6) {
    remote.in6_u.u6_addr32[0] = ctx->user_ip6[0];
    remote.in6_u.u6_addr32[1] = ctx->user_ip6[1];
    remote.in6_u.u6_addr32[2] = ctx->user_ip6[2];
    remote.in6_u.u6_addr32[3] = ctx->user_ip6[3];
  }
  if (ipv6 && !is_v4_mapped(&remote)) return set_v6(e, &none, &remote);
  e->flags = ipv6 ? VAKT_NET_V4_MAPPED : 0;
  set_v4(e, 0, ipv6 ? remote.in6_u.u6_addr32[3] : ctx->user_ip4);
}

#endif /* VAKT_BPF_SOCKET_H */
