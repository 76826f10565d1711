/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * Flows: what a process says to one peer, summed up in the kernel and taken by the agent every few
 * seconds. Include bpf/wire/wire.h, which includes this.
 *
 * There are two tables of sums. `flow_tables` names the one in use and the one for what finds no
 * room in it; the agent puts empty ones in their place, waits until no probe holds the old ones, and
 * reads them at leisure. So nothing is counted twice, and nothing between two readings.
 */
#ifndef VAKT_WIRE_FLOW_H
#define VAKT_WIRE_FLOW_H

/* Bit of kind_mask: flows have no event kind of their own. */
#define VAKT_FLOWS_KIND 0

/* Entries of ~220 bytes each, in two generations; of processes whose flows did not fit; and sockets
 * that are open, ~170 bytes each: 11 MiB in all, which leaves 5 of the 16 MiB to the agent. */
#define VAKT_FLOW_TABLE 12288
#define VAKT_FLOW_FOLDS 1024
#define VAKT_FLOW_SOCKETS 32768

/* Places in `flow_tables`. */
#define VAKT_FLOW_SUMS 0
#define VAKT_FLOW_FOLDED 1 /* addresses and ports are left out */
#define VAKT_FLOW_TABLES 2

/* direction; as vakt.v1.Flow.Direction */
#define VAKT_FLOW_EITHER 0 /* datagrams: first_sent says who began */
#define VAKT_FLOW_OUT 1
#define VAKT_FLOW_IN 2
#define VAKT_FLOW_LISTEN 3

/* Ports from here on are given out by the kernel unless a program chose one (the default of
 * net.ipv4.ip_local_port_range). */
#define VAKT_EPHEMERAL_PORT 32768

struct vakt_flow_key {
  __u64 cookie;        /* of the process; 0: nobody has touched the connection yet */
  __u8 local_addr[16]; /* family AF_INET: the first 4 bytes */
  __u8 remote_addr[16];
  __u16 local_port;    /* 0: one that the kernel chose */
  __u16 remote_port;   /* 0: any */
  __u16 family;        /* AF_INET or AF_INET6 after unmapping */
  __u16 protocol;      /* IPPROTO_* */
  __u32 net_ns;
  __u16 direction;     /* VAKT_FLOW_* */
  __u16 reserved;
};

struct vakt_flow_counts {
  __u64 first_boot_ns;
  __u64 last_boot_ns;
  __u64 connections; /* begun */
  __u64 established;
  __u64 refused;
  __u64 timed_out;
  __u64 reset;
  __u64 bytes_out;   /* payload, each byte once */
  __u64 bytes_in;
  __u64 packets_out; /* TCP: segments with retransmissions; else: datagrams */
  __u64 packets_in;
  __u64 retransmits;
  __u64 open;        /* sockets, when the agent last looked */
  __u32 first_sent;  /* datagrams: 1 when the first of them went out */
  __u32 folded;      /* connections or datagrams that stand for a flow without room */
};

/* What was told of a socket; the rest is still to be added up. */
#define VAKT_TOLD_CONNECTION 1u
#define VAKT_TOLD_ESTABLISHED 2u
#define VAKT_TOLD_OWNER 4u /* of an accepted connection: a process has touched it */
#define VAKT_TOLD_STREAM 8u /* the first bytes of its stream */

/* How many sends of a connection are looked at for a ClientHello, and its pieces: SMTP says two
 * things before it starts TLS. */
#define VAKT_HELLO_SENDS 6

/* An open TCP socket: whose it is, and how much of it the tables have. */
struct vakt_flow_socket {
  __u64 cookie;
  __u64 socket; /* the key again, as a number: a cgroup program's pointer allows no arithmetic */
  __u64 begin_boot_ns;
  __u64 bytes_out;
  __u64 bytes_in;
  __u64 packets_out;
  __u64 packets_in;
  __u64 retransmits;
  __u16 direction;
  __u8 sends_left; /* to look at */
  __u8 pieces;     /* of its stream that were numbered, modulo 256 */
  __u32 told;      /* VAKT_TOLD_* */
};

/* Largest answer that is copied: what resolvers ask for at most (RFC 9715 and DNS flag day 2020). */
#define VAKT_DNS_ANSWER_MAX 1232
#define VAKT_DNS_PORT 53

/* Bytes of a stream in one record, and of one send or receive: a ClientHello with keys that are safe
 * from quantum computers takes 1.5 to 2 KiB. */
#define VAKT_STREAM_PIECE_MAX 2048
#define VAKT_STREAM_COPY_MAX (3 * VAKT_STREAM_PIECE_MAX)

/* what */
#define VAKT_PAYLOAD_DNS 1        /* vakt_dns_answer: a datagram from port 53 */
#define VAKT_PAYLOAD_DNS_STREAM 2 /* vakt_stream_piece: received from port 53 over TCP */
#define VAKT_PAYLOAD_TLS_STREAM 3 /* vakt_stream_piece: sent, and may be a ClientHello */

/* What all records of the bulk ring of kind VAKT_FLOWS_KIND begin with: bytes that tell names. They
 * are no events. */
struct vakt_payload {
  struct vakt_header header;
  __u64 cookie; /* of the process */
  __u64 socket; /* of a stream; told apart from a later one at the same place by `begins` */
  __u8 remote_addr[16]; /* family AF_INET: the first 4 bytes */
  __u16 family;         /* AF_INET or AF_INET6 after unmapping */
  __u16 remote_port;
  __u16 what;      /* VAKT_PAYLOAD_* */
  __u16 size;      /* of the bytes */
  __u32 net_ns;
  __u8 number;     /* of a stream's piece, from 1, modulo 256 */
  __u8 begins;     /* 1: the first of the stream */
  __u8 truncated;  /* 1: what follows these bytes is missing */
  __u8 reserved;
};

struct vakt_dns_answer {
  struct vakt_payload about;
  __u8 bytes[VAKT_DNS_ANSWER_MAX];
};

struct vakt_stream_piece {
  struct vakt_payload about;
  __u8 bytes[VAKT_STREAM_PIECE_MAX];
};

VAKT_STATIC_ASSERT(sizeof(struct vakt_payload) == 72, "payload");
VAKT_STATIC_ASSERT(sizeof(struct vakt_stream_piece) == 2120, "stream piece");
VAKT_STATIC_ASSERT(sizeof(struct vakt_dns_answer) == 1304, "dns answer");
VAKT_STATIC_ASSERT(sizeof(struct vakt_flow_key) == 56, "flow key");
VAKT_STATIC_ASSERT(sizeof(struct vakt_flow_counts) == 112, "flow counts");
VAKT_STATIC_ASSERT(sizeof(struct vakt_flow_socket) == 72, "flow socket");

#endif /* VAKT_WIRE_FLOW_H */
