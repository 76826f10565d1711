// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/*
 * The few bytes of what is sent and received that say what the peer of a flow is called: answers of
 * name servers, and how a TLS client introduces itself. They are copied from the program's own
 * buffer at the end of the send or receive, which is looked at anyway; parsing them is the agent's.
 *
 * The program could change its buffer meanwhile. It would deceive about what it chooses itself:
 * names are kept per network namespace, and a client may ask for any server's name.
 */
#include "bpf/lib/flow.h"

#define MSG_PEEK 2
#define MSG_ERRQUEUE 0x2000
#define SYS_read 0
#define SYS_write 1
#define SYS_readv 19
#define SYS_writev 20

/* What recvmsg, sendmsg, readv and writev point to: the user API, of fixed layout. */
struct user_iovec {
  __u64 base;
  __u64 size;
};
struct user_msghdr {
  __u64 name;
  __u64 name_size;
  __u64 iov;
};

/* Where the bytes of the call under way are, and how many of `*size` lie there together. Zero: a
 * call that does not tell (recvmmsg, sendmmsg, io_uring, 32-bit ones). */
static __always_inline __u64 call_buffer(bool sent, __u32 *size) {
  struct route route;
  struct user_iovec first = {};
  struct pt_regs *regs = task_regs();
  read_route(&route, current_task());
  __u64 at = regs->si;
  if (route.nr == (sent ? SYS_sendto : SYS_recvfrom) || route.nr == (sent ? SYS_write : SYS_read))
    return at;
  if (route.nr == (sent ? SYS_sendmsg : SYS_recvmsg)) {
    struct user_msghdr message = {};
    if (bpf_probe_read_user(&message, sizeof(message), (void *)at)) return 0;
    at = message.iov;
  } else if (route.nr != (sent ? SYS_writev : SYS_readv)) {
    return 0;
  }
  if (bpf_probe_read_user(&first, sizeof(first), (void *)at)) return 0;
  if (*size > first.size) *size = first.size;
  return first.base;
}

/* Counts the hit, and makes room for a record. */
static __always_inline void *payload_begin(struct vakt_header *h, const __u32 size) {
  struct vakt_cpu_state *state = state_of_cpu(bpf_get_smp_processor_id());
  if (!state) return 0;
  __sync_fetch_and_add(&state->hits[VAKT_FLOWS_KIND], 1);
  return emit_reserve(h, VAKT_FLOWS_KIND, VAKT_LANE_BULK, size);
}

static __always_inline void put_payload(struct vakt_payload *p, const struct vakt_header *h,
                                        __u16 what, const struct ends *e, __u32 net_ns) {
  __builtin_memset(p, 0, sizeof(*p));
  p->header = *h;
  p->what = what;
  __builtin_memcpy(p->remote_addr, e->remote_addr, sizeof(p->remote_addr));
  p->family = e->family;
  p->remote_port = e->remote_port;
  p->net_ns = net_ns;
}

/* As many bytes as there were to be had: all or none. */
static __always_inline __u16 put_bytes(__u8 *bytes, __u32 size, const __u32 room, __u64 at) {
  asm volatile("" : "+r"(size)); /* a bound of its own for the verifier */
  if (size > room) size = 0;
  return bpf_probe_read_user(bytes, size, (void *)at) ? 0 : size;
}

static __always_inline void payload_submit(void *record, const struct vakt_header *h) {
  void *ring = ring_of(h->cpu, VAKT_LANE_BULK);
  bpf_ringbuf_submit(record, ring ? emit_wakeup(ring) : BPF_RB_FORCE_WAKEUP);
}

/* A datagram from a name server. */
static __always_inline void on_dns_answer(struct sock *sk, const struct ends *e, __u32 size) {
  struct vakt_header h;
  __u32 together = size;
  __u64 at = call_buffer(false, &together);
  struct vakt_dns_answer *r = at ? payload_begin(&h, sizeof(*r)) : 0;
  if (!r) return;
  put_payload(&r->about, &h, VAKT_PAYLOAD_DNS, e, read_net_ns(sk));
  r->about.cookie = read_cookie(current_task());
  if (together > sizeof(r->bytes)) together = sizeof(r->bytes);
  r->about.truncated = together < size;
  r->about.size = put_bytes(r->bytes, together, sizeof(r->bytes), at);
  payload_submit(r, &h);
}

/* What of a stream is to be copied. */
struct stream_part {
  __u64 at;       /* in the program's memory */
  __u32 size;     /* that the call sent or received */
  __u32 together; /* that lies there */
  __u32 what;
};

static __always_inline void copy_piece(struct sock *sk, struct vakt_flow_socket *open,
                                       const struct stream_part *part, __u32 from) {
  struct vakt_header h;
  struct ends e;
  struct vakt_stream_piece *r = payload_begin(&h, sizeof(*r));
  __u8 number = ++open->pieces;
  if (!r) return; /* the number tells that it is missing */
  read_socket(&e, sk);
  put_payload(&r->about, &h, part->what, &e, read_net_ns(sk));
  r->about.cookie = open->cookie;
  r->about.socket = open->socket;
  r->about.number = number;
  r->about.begins = flow_take_fact(open, VAKT_TOLD_STREAM);
  __u32 size = part->together - from;
  if (size > sizeof(r->bytes)) size = sizeof(r->bytes);
  bool is_last = from + sizeof(r->bytes) >= VAKT_STREAM_COPY_MAX || from + size == part->together;
  r->about.truncated = is_last && from + size < part->size;
  r->about.size = put_bytes(r->bytes, size, sizeof(r->bytes), part->at + from);
  payload_submit(r, &h);
}

static __always_inline void copy_stream(struct sock *sk, struct vakt_flow_socket *open,
                                        const struct stream_part *part) {
  for (__u32 from = 0; from < VAKT_STREAM_COPY_MAX; from += VAKT_STREAM_PIECE_MAX) {
    if (from >= part->together) break;
    copy_piece(sk, open, part, from);
  }
}

/* What a connection from a name server brings (RFC 7766). */
static __always_inline void on_stream_received(struct sock *sk, struct vakt_flow_socket *open,
                                               int result, int flags) {
  if (READ_MEMBER(sk, __sk_common.skc_dport) != bpf_htons(VAKT_DNS_PORT)) return;
  if (open->direction != VAKT_FLOW_OUT || result <= 0 || flags & (MSG_PEEK | MSG_ERRQUEUE)) return;
  struct stream_part part = {
      .size = result, .together = result, .what = VAKT_PAYLOAD_DNS_STREAM};
  part.at = call_buffer(false, &part.together);
  if (part.at) copy_stream(sk, open, &part);
}

/* Whether the bytes may be the beginning of a ClientHello (RFC 8446, 4 and 5.1): a record with a
 * handshake of version 3.x, and in it that message. Of fewer bytes: as far as they go. */
static __always_inline bool begins_hello(__u64 at, __u32 size) {
  __u8 first[6] = {0x16, 3, 0, 0, 0, 1};
  if (size > sizeof(first)) size = sizeof(first);
  if (put_bytes(first, size, sizeof(first), at) == 0) return false;
  return first[0] == 0x16 && first[1] == 3 && first[5] == 1;
}

/* The first sends of a connection out, at whichever port: some protocols begin in the clear, and a
 * proxy is told first where to go. */
static __always_inline void on_stream_sent(struct sock *sk, struct vakt_flow_socket *open,
                                           int result) {
  if (!open->sends_left || result <= 0) return;
  open->sends_left--;
  struct stream_part part = {
      .size = result, .together = result, .what = VAKT_PAYLOAD_TLS_STREAM};
  part.at = call_buffer(true, &part.together);
  if (!part.at) return;
  if (!(open->told & VAKT_TOLD_STREAM) && !begins_hello(part.at, part.together)) return;
  copy_stream(sk, open, &part);
}
