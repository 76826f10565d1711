// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/*
 * What is asked of the kernel by io_uring instead of system calls. A request is noted when it is
 * submitted, as the call that does the same, and reported when it completes: then the result is
 * known and, for an open, the file. Both tracepoints cost nothing to those who do not use io_uring.
 * The acting task may be a worker of the ring, which belongs to the same process and shares its
 * descriptors, memory and directories.
 */
#include "bpf/lib/call.h"

#define REQ_F_CQE_SKIP (1ull << 6) /* include/linux/io_uring_types.h: no completion on success */
#define IORING_FILE_INDEX_ALLOC ~0u

enum {
  IORING_OP_OPENAT = 18,
  IORING_OP_OPENAT2 = 28,
  IORING_OP_RENAMEAT = 35,
  IORING_OP_UNLINKAT = 36,
  IORING_OP_MKDIRAT = 37,
  IORING_OP_SYMLINKAT = 38,
  IORING_OP_LINKAT = 39,
  IORING_OP_SOCKET = 45,
};

/* A request under way. Removed at its completion; one that ends without (its ring is torn down)
 * goes when others need the room. */
struct uring_request {
  struct call call;
  __u64 ring;      /* struct io_ring_ctx, at completion */
  __u32 file_slot; /* of an open into the ring's own table; 0: into the process's */
  __u32 reserved;
};

struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, VAKT_PENDING_REQUESTS);
  __type(key, __u64);
  __type(value, struct uring_request);
} uring_requests SEC(".maps");

static __always_inline __u64 user_name(struct filename *name) {
  return (__u64)READ_MEMBER(name, uptr);
}

#define AS(type) ((struct type *)req)

static __always_inline bool read_open(struct uring_request *u, struct io_kiocb *req, __u32 nr) {
  u->call.nr = nr;
  u->call.arg[1] = READ_MEMBER(AS(io_open), dfd);
  u->call.arg[2] = user_name(READ_MEMBER(AS(io_open), filename));
  u->call.arg[3] = READ_MEMBER(AS(io_open), how.flags);
  u->call.arg[4] = READ_MEMBER(AS(io_open), how.mode);
  u->call.arg[5] = READ_MEMBER(AS(io_open), how.resolve);
  u->file_slot = READ_MEMBER(AS(io_open), file_slot);
  return true;
}

static __always_inline bool read_two_names(struct uring_request *u, struct io_kiocb *req,
                                           __u32 nr) {
  u->call.nr = nr; /* struct io_rename and struct io_link are alike */
  u->call.arg[1] = READ_MEMBER(AS(io_link), old_dfd);
  u->call.arg[2] = user_name(READ_MEMBER(AS(io_link), oldpath));
  u->call.arg[3] = READ_MEMBER(AS(io_link), new_dfd);
  u->call.arg[4] = user_name(READ_MEMBER(AS(io_link), newpath));
  u->call.arg[5] = READ_MEMBER(AS(io_link), flags);
  return true;
}

/* The call that does the same; false when nothing here reports it. */
static __always_inline bool read_request(struct uring_request *u, struct io_kiocb *req) {
  switch (READ_MEMBER(req, opcode)) {
    case IORING_OP_OPENAT:
      return read_open(u, req, 257);
    case IORING_OP_OPENAT2:
      return read_open(u, req, 437);
    case IORING_OP_RENAMEAT:
      return read_two_names(u, req, 316);
    case IORING_OP_LINKAT:
      return read_two_names(u, req, 265);
    case IORING_OP_SYMLINKAT:
      u->call.nr = 266;
      u->call.arg[1] = user_name(READ_MEMBER(AS(io_link), oldpath));
      u->call.arg[2] = READ_MEMBER(AS(io_link), new_dfd);
      u->call.arg[3] = user_name(READ_MEMBER(AS(io_link), newpath));
      return true;
    case IORING_OP_UNLINKAT:
      u->call.nr = 263;
      u->call.arg[1] = READ_MEMBER(AS(io_unlink), dfd);
      u->call.arg[2] = user_name(READ_MEMBER(AS(io_unlink), filename));
      u->call.arg[3] = READ_MEMBER(AS(io_unlink), flags);
      return true;
    case IORING_OP_MKDIRAT:
      u->call.nr = 258;
      u->call.arg[1] = READ_MEMBER(AS(io_mkdir), dfd);
      u->call.arg[2] = user_name(READ_MEMBER(AS(io_mkdir), filename));
      u->call.arg[3] = READ_MEMBER(AS(io_mkdir), mode);
      return true;
    case IORING_OP_SOCKET:
      u->call.nr = SYS_socket;
      u->call.arg[1] = READ_MEMBER(AS(io_socket), domain);
      u->call.arg[2] = READ_MEMBER(AS(io_socket), type);
      u->call.arg[3] = READ_MEMBER(AS(io_socket), protocol);
      return true;
  }
  return false;
}

#define SLOT_FLAGS 7ul /* io_uring/filetable.h: what the lowest bits of a slot's pointer say */

/* The slot's pointer up to 6.12, when a ring's table was an array of them. */
static __always_inline __u64 read_slot_of_array(struct io_ring_ctx___to_6_12 *ring, __u32 slot) {
  __u64 pointer = 0;
  if (slot >= READ_MEMBER(ring, nr_user_files)) return 0;
  __u64 files = (__u64)READ_MEMBER(ring, file_table.files);
  bpf_probe_read_kernel(&pointer, sizeof(pointer), (void *)(files + slot * sizeof(pointer)));
  return pointer;
}

/* The file in a slot of the ring's own table. */
static __always_inline struct file *read_slot(struct io_ring_ctx *ring, __u32 slot) {
  if (!bpf_core_field_exists(ring->file_table.data))
    return (void *)(read_slot_of_array((void *)ring, slot) & ~SLOT_FLAGS);
  struct io_rsrc_node **nodes = READ_MEMBER(ring, file_table.data.nodes);
  struct io_rsrc_node *node = 0;
  if (slot >= READ_MEMBER(ring, file_table.data.nr)) return 0;
  bpf_probe_read_kernel(&node, sizeof(node), (void *)((__u64)nodes + (__u64)slot * sizeof(node)));
  return node ? (void *)(READ_MEMBER(node, file_ptr) & ~SLOT_FLAGS) : 0;
}

static __always_inline struct file *read_opened(struct task_struct *task,
                                                const struct uring_request *u) {
  struct io_ring_ctx *ring = (void *)u->ring;
  if (u->call.result < 0 || !ring) return 0;
  if (!u->file_slot) return read_fd(task, u->call.result);
  if (u->file_slot == IORING_FILE_INDEX_ALLOC) return read_slot(ring, u->call.result);
  return read_slot(ring, u->file_slot - 1);
}

/* A global function, so that the verifier looks at it once per program. */
__attribute__((noinline)) int emit_request(struct uring_request *u) {
  if (!u) return 0;
  if (u->call.nr == SYS_openat || u->call.nr == SYS_openat2) {
    struct task_struct *task = current_task();
    struct prefilter filter;
    if (emit_candidate(KIND_file_open, &filter))
      emit_file_open(&u->call, &filter, task, read_opened(task, u));
  } else if (u->call.nr == SYS_socket) {
    emit_network_socket(&u->call);
  } else {
    emit_file_change(&u->call);
  }
  return 0;
}

static __always_inline int on_submit(struct io_kiocb *req) {
  struct uring_request u = {.call.abi = VAKT_ABI_IO_URING};
  __u64 key = (__u64)req;
  if (!read_request(&u, req)) return 0;
  bpf_map_update_elem(&uring_requests, &key, &u, BPF_ANY);
  if (READ_MEMBER(req, flags) & REQ_F_CQE_SKIP) { /* success goes unmentioned: told now */
    u.call.facts = VAKT_UNFINISHED;
    emit_request(&u);
  }
  return 0;
}

static __always_inline int on_complete(struct io_ring_ctx *ring, void *req, __s32 result) {
  __u64 key = (__u64)req;
  struct uring_request *found = bpf_map_lookup_elem(&uring_requests, &key);
  if (!found) return 0;
  struct uring_request u = *found;
  bpf_map_delete_elem(&uring_requests, &key);
  u.call.result = result;
  u.ring = (__u64)ring;
  emit_request(&u);
  return 0;
}

/* io_uring/io_uring.c io_submit_sqe, the request is prepared: its names are copied (6.3; before that
 * it is called io_uring_submit_sqe: agent/sensor/kernel_hooks.cc). */
SEC("tp_btf/io_uring_submit_req")
int BPF_PROG(uring_submit, struct io_kiocb *req) {
  return on_submit(req);
}

/* What the tracepoint hands over since 6.13; up to 6.12 the result itself is the fourth argument. */
typedef void (*btf_trace_io_uring_complete)(void *, struct io_ring_ctx *, void *,
                                            struct io_uring_cqe *);

/* io_uring/io_uring.h io_fill_cqe_req: in the process or a worker of its ring. */
SEC("tp_btf/io_uring_complete")
int uring_complete(__u64 *ctx) {
  struct io_ring_ctx *ring = (void *)ctx[0];
  if (!bpf_core_type_exists(btf_trace_io_uring_complete))
    return on_complete(ring, (void *)ctx[1], ctx[3]);
  struct io_uring_cqe *cqe = (void *)ctx[2];
  return on_complete(ring, (void *)ctx[1], READ_MEMBER(cqe, res));
}
