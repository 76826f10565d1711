/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* Records of what is done with sockets. Include bpf/wire/wire.h, which includes this. */
#ifndef VAKT_WIRE_NETWORK_H
#define VAKT_WIRE_NETWORK_H

#define VAKT_NET_V4_MAPPED 1u

/* facts of records about sockets */
#define VAKT_NAME_CLAIMED 1u /* `path` is the argument, not the socket's name */

/* network_connect, network_accept, network_socket, network_bind, network_listen, network_send,
 * network_receive, network_dup. */
struct vakt_network {
  struct vakt_header header;
  struct vakt_task task;
  __u8 local_addr[16];  /* family AF_INET: the first 4 bytes */
  __u8 remote_addr[16];
  __u16 local_port;     /* host order; 0 when not yet bound */
  __u16 remote_port;
  __u16 family;         /* AF_*; AF_INET or AF_INET6 after unmapping */
  __u16 protocol;       /* IPPROTO_* for internet sockets */
  __u16 type;           /* SOCK_STREAM...; 0 when unknown */
  __u16 flags;          /* VAKT_NET_* */
  __s32 result;         /* 0, a descriptor, or -errno */
  __s32 fd;             /* -1 when unknown */
  __s32 argument;       /* listen: backlog. dup: the old descriptor. socket: SOCK_NONBLOCK... */
  __u32 syscall_nr;     /* x86-64 number; 0: the kind's own call */
  __u32 facts;
  struct vakt_span path; /* name of a unix socket: abstract ones begin with NUL */
  __u32 path_status;     /* VAKT_PATH_* */
};

VAKT_STATIC_ASSERT(sizeof(struct vakt_network) == 224, "network");

#endif /* VAKT_WIRE_NETWORK_H */
