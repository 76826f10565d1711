/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* Where in its program a process made a call. Include bpf/wire/wire.h, which includes this. */
#ifndef VAKT_WIRE_STACK_H
#define VAKT_WIRE_STACK_H

#define VAKT_STACK_FRAMES 16
#define VAKT_BUILD_ID_SIZE 20 /* BPF_BUILD_ID_SIZE of linux/bpf.h */

/* What is mapped at the instruction that made the call. */
#define VAKT_ORIGIN_UNKNOWN 0
#define VAKT_ORIGIN_FILE 1
#define VAKT_ORIGIN_ANONYMOUS 2

#define VAKT_FRAME_BUILD_ID 1 /* BPF_STACK_BUILD_ID_VALID; with any other status place is an address */

/* As the kernel writes it: struct bpf_stack_build_id. */
struct vakt_frame {
  __s32 status;
  __u8 build_id[VAKT_BUILD_ID_SIZE];
  __u64 place; /* offset in the file, or the address */
};

/* The part of a record that vakt_task.stack spans: this, `frames` frames, the innermost first, and the
 * name of the file that is mapped at the call's instruction. */
struct vakt_stack {
  __u64 origin_ino;
  __u32 origin_dev;
  __u8 origin; /* VAKT_ORIGIN_* */
  __u8 frames;
  __u8 truncated; /* there were more */
  __u8 name_size;
};

VAKT_STATIC_ASSERT(sizeof(struct vakt_frame) == 32, "frame");
VAKT_STATIC_ASSERT(sizeof(struct vakt_stack) == 16, "stack");

#endif /* VAKT_WIRE_STACK_H */
