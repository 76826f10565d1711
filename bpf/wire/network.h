/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* Records of what is done with sockets. Include bpf/wire/wire.h, which includes this. */
#ifndef VAKT_WIRE_NETWORK_H
#define VAKT_WIRE_NETWORK_H

#define VAKT_NET_V4_MAPPED 1u

/* network_connect and network_accept. */
struct vakt_network {
  struct vakt_header header;
  struct vakt_task task;
  __u8 local_addr[16];  /* family AF_INET: the first 4 bytes */
  __u8 remote_addr[16];
  __u16 local_port;     /* host order; 0 when not yet bound */
  __u16 remote_port;
  __u16 family;         /* AF_INET or AF_INET6 after unmapping */
  __u8 protocol;        /* IPPROTO_TCP or IPPROTO_UDP */
  __u8 flags;           /* VAKT_NET_* */
  __s32 result;         /* 0 or -errno */
  __s32 fd;             /* -1 when unknown */
};

VAKT_STATIC_ASSERT(sizeof(struct vakt_network) == 200, "network");

#endif /* VAKT_WIRE_NETWORK_H */
