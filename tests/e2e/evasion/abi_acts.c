// SPDX-License-Identifier: Apache-2.0
// Cases 40 to 44: other roads into the kernel than x86-64 system calls.
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "act.h"

// The 32-bit calls' own numbers (arch/x86/entry/syscalls/syscall_32.tbl).
enum { kOpen32 = 5, kExecve32 = 11, kSocketcall32 = 102 };
enum { kSocketcallSocket = 1, kSocketcallConnect = 3 };

static long Int80(long number, unsigned long a, unsigned long b, unsigned long c) {
  long result;
  __asm__ volatile("int $0x80"
                   : "=a"(result)
                   : "a"(number), "b"(a), "c"(b), "d"(c)
                   : "memory", "r8", "r9", "r10", "r11");
  if (result < 0) {
    errno = (int)-result;
    return -1;
  }
  return result;
}

static void OpenBy32Bit(void) {
  char* page = LowPage();
  strcpy(page, "secret");
  const int fd = (int)Int80(kOpen32, (unsigned long)page, O_RDONLY, 0);
  if (fd < 0) FailOrNotApplicable("int $0x80");
  ReadAndClose(fd);
  CopyProgram("/proc/self/exe", "program");
  strcpy(page, "program");
  strcpy(page + 16, "0");
  unsigned int* const argv = (unsigned int*)(page + 64);  // 32-bit pointers
  argv[0] = (unsigned int)(unsigned long)page;
  argv[1] = (unsigned int)(unsigned long)(page + 16);
  argv[2] = 0;
  const pid_t child = fork();
  if (child == 0) {
    Int80(kExecve32, (unsigned long)page, (unsigned long)argv, 0);
    Fail("execve");
  }
  Reap(child);
}

static void OpenByX32(void) {
  const long fd = syscall(0x40000000 | SYS_open, "secret", O_RDONLY);
  if (fd < 0) FailOrNotApplicable("x32 open");
  ReadAndClose((int)fd);
}

// ---- io_uring without a library

struct ring {
  int fd;
  unsigned char* queue;
  struct io_uring_sqe* entries;
  struct io_uring_params params;
};

static struct ring MakeRing(unsigned flags) {
  struct ring ring = {.params = {.flags = flags, .sq_thread_idle = 1000}};
  ring.fd = (int)syscall(SYS_io_uring_setup, 4, &ring.params);
  if (ring.fd < 0) FailOrNotApplicable("io_uring_setup");
  const struct io_uring_params* p = &ring.params;
  size_t size = p->sq_off.array + p->sq_entries * sizeof(unsigned);
  const size_t completions = p->cq_off.cqes + p->cq_entries * sizeof(struct io_uring_cqe);
  if (completions > size) size = completions;
  if (!(p->features & IORING_FEAT_SINGLE_MMAP)) NotApplicable("io_uring of before 5.4");
  ring.queue = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring.fd,
                    IORING_OFF_SQ_RING);
  ring.entries = mmap(NULL, p->sq_entries * sizeof(struct io_uring_sqe), PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_POPULATE, ring.fd, IORING_OFF_SQES);
  if (ring.queue == MAP_FAILED || ring.entries == MAP_FAILED) Fail("mmap of a ring");
  return ring;
}

// Submits one entry and waits for its result.
static int Submit(struct ring* ring, const struct io_uring_sqe* entry) {
  const struct io_uring_params* p = &ring->params;
  _Atomic unsigned* const tail = (_Atomic unsigned*)(ring->queue + p->sq_off.tail);
  const unsigned mask = *(unsigned*)(ring->queue + p->sq_off.ring_mask);
  unsigned* const array = (unsigned*)(ring->queue + p->sq_off.array);
  const unsigned at = atomic_load(tail) & mask;
  ring->entries[at] = *entry;
  array[at] = at;
  atomic_fetch_add(tail, 1);
  const unsigned flags =
      IORING_ENTER_GETEVENTS | (p->flags & IORING_SETUP_SQPOLL ? IORING_ENTER_SQ_WAKEUP : 0);
  Check(syscall(SYS_io_uring_enter, ring->fd, 1, 1, flags, NULL, 0), "io_uring_enter");
  _Atomic unsigned* const head = (_Atomic unsigned*)(ring->queue + p->cq_off.head);
  _Atomic unsigned* const end = (_Atomic unsigned*)(ring->queue + p->cq_off.tail);
  while (atomic_load(head) == atomic_load(end)) usleep(1000);
  const unsigned cq_mask = *(unsigned*)(ring->queue + p->cq_off.ring_mask);
  const struct io_uring_cqe* const done =
      (struct io_uring_cqe*)(ring->queue + p->cq_off.cqes) + (atomic_load(head) & cq_mask);
  const int result = done->res;
  atomic_fetch_add(head, 1);
  return result;
}

static void OpenByRing(struct ring* ring) {
  const struct io_uring_sqe open = {.opcode = IORING_OP_OPENAT,
                                    .fd = AT_FDCWD,
                                    .addr = (unsigned long)"secret",
                                    .open_flags = O_RDONLY};
  const int fd = Submit(ring, &open);
  errno = -fd;
  if (fd == -EINVAL) NotApplicable("io_uring cannot open here");
  ReadAndClose(fd);
}

static void ActsByRing(void) {
  struct ring ring = MakeRing(0);
  OpenByRing(&ring);
  int port;
  Listener(AF_INET, 0, &port);
  Fact("port", "%d", port);
  const int client = (int)Check(socket(AF_INET, SOCK_STREAM, 0), "socket");
  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_port = htons((unsigned short)port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  const struct io_uring_sqe connect = {.opcode = IORING_OP_CONNECT,
                                       .fd = client,
                                       .addr = (unsigned long)&address,
                                       .off = sizeof(address)};
  errno = -Submit(&ring, &connect);
  if (errno != 0) Fail("io_uring connect");
}

static void OpenByPollingRing(void) {
  struct ring ring = MakeRing(IORING_SETUP_SQPOLL);
  OpenByRing(&ring);
}

static void ConnectBySocketcall(void) {
  int port;
  Listener(AF_INET, 0, &port);
  Fact("port", "%d", port);
  char* page = LowPage();
  unsigned int* const arguments = (unsigned int*)page;
  arguments[0] = AF_INET;
  arguments[1] = SOCK_STREAM;
  arguments[2] = 0;
  const long client = Int80(kSocketcall32, kSocketcallSocket, (unsigned long)page, 0);
  if (client < 0) FailOrNotApplicable("socketcall");
  struct sockaddr_in* const address = (struct sockaddr_in*)(page + 64);
  address->sin_family = AF_INET;
  address->sin_port = htons((unsigned short)port);
  address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  arguments[0] = (unsigned int)client;
  arguments[1] = (unsigned int)(unsigned long)address;
  arguments[2] = sizeof(*address);
  Check(Int80(kSocketcall32, kSocketcallConnect, (unsigned long)page, 0), "connect");
}

const struct act kAbiActs[] = {
    {40, OpenBy32Bit},       {41, OpenByX32},           {42, ActsByRing},
    {43, OpenByPollingRing}, {44, ConnectBySocketcall}, {0, NULL},
};
