// SPDX-License-Identifier: Apache-2.0
/*
 * workloads ROUNDS: what each kind of work costs, on a machine whose clock counts instructions
 * (QEMU's -icount): for each workload one line "<name> <least of the rounds, in ns of that clock>".
 * Makes the directory a in the working directory. Statically linked, so that no loader is counted.
 */
#include <arpa/inet.h>
#include <err.h>
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_ROUNDS 1000

static const char* self;
static int null_fd, zero_fd, listener;
static struct sockaddr_in server;

static void do_getpid(void) { syscall(SYS_getpid); }

static void do_read(void) {
  char c;
  if (pread(zero_fd, &c, 1, 0) != 1) err(1, "read");
}

static void do_write(void) {
  if (write(null_fd, "x", 1) != 1) err(1, "write");
}

static void do_stat(void) {
  struct stat facts;
  if (stat("a/b/c/d/e/file", &facts) != 0) err(1, "stat");
}

static void do_open(void) {
  int fd = open("a/b/c/d/e/file", O_RDONLY);
  if (fd < 0) err(1, "open");
  close(fd);
}

static void do_exec(void) {
  int status;
  pid_t child = fork();
  if (child == 0) {
    char *const args[] = {(char*)self, "0", NULL}, *const env[] = {NULL};
    execve(self, args, env);
    _exit(127);
  }
  if (waitpid(child, &status, 0) != child || status != 0) errx(1, "the child failed");
}

static void do_tcp(void) {
  int client = socket(AF_INET, SOCK_STREAM, 0), accepted;
  if (connect(client, (struct sockaddr*)&server, sizeof(server)) != 0) err(1, "connect");
  accepted = accept4(listener, NULL, NULL, 0);
  if (accepted < 0) err(1, "accept");
  close(client);
  close(accepted);
}

static const struct {
  const char* name;
  void (*work)(void);
  int times; /* in one round */
} workloads[] = {
    {"getpid", do_getpid, 200}, {"read", do_read, 200}, {"write", do_write, 200},
    {"stat", do_stat, 100},     {"open", do_open, 50},  {"exec", do_exec, 1},
    {"tcp", do_tcp, 2},
};

static uint64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void listen_on_loopback(void) {
  socklen_t size = sizeof(server);
  listener = socket(AF_INET, SOCK_STREAM, 0);
  server.sin_family = AF_INET;
  server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(listener, (struct sockaddr*)&server, sizeof(server)) != 0) err(1, "bind");
  if (getsockname(listener, (struct sockaddr*)&server, &size) != 0) err(1, "getsockname");
  if (listen(listener, 16) != 0) err(1, "listen");
}

static void make_file(void) {
  char path[] = "a/b/c/d/e/file";
  for (char* slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
    *slash = 0;
    mkdir(path, 0700);
    *slash = '/';
  }
  int fd = open(path, O_CREAT | O_WRONLY, 0600);
  if (fd < 0) err(1, "%s", path);
  close(fd);
}

int main(int count, char** args) {
  int rounds = count == 2 ? atoi(args[1]) : -1;
  if (rounds == 0) return 0; /* what do_exec starts */
  int how = personality(0xffffffff);
  if (!(how & ADDR_NO_RANDOMIZE)) { /* where memory lies decides how many page tables there are */
    personality((unsigned long)how | ADDR_NO_RANDOMIZE);
    execv(args[0], args);
    err(1, "execv");
  }
  if (rounds < 0 || rounds > MAX_ROUNDS) errx(2, "usage: workloads ROUNDS (1 to %d)", MAX_ROUNDS);
  self = args[0];
  null_fd = open("/dev/null", O_WRONLY);
  zero_fd = open("/dev/zero", O_RDONLY);
  make_file();
  listen_on_loopback();
  struct sched_param first = {.sched_priority = 50};
  if (sched_setscheduler(0, SCHED_FIFO, &first) != 0) err(1, "sched_setscheduler");
  for (size_t w = 0; w < sizeof(workloads) / sizeof(workloads[0]); w++) {
    uint64_t least = UINT64_MAX;
    for (int i = 0; i < workloads[w].times; i++) workloads[w].work(); /* warm */
    for (int r = 0; r < rounds; r++) {
      uint64_t begin = now();
      for (int i = 0; i < workloads[w].times; i++) workloads[w].work();
      uint64_t taken = now() - begin;
      if (taken < least) least = taken;
    }
    printf("%s %.1f\n", workloads[w].name, (double)least / workloads[w].times);
  }
  return 0;
}
