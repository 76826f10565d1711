// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "act.h"

enum { kNotApplicable = 77 };

void Fact(const char* key, const char* format, ...) {
  va_list args;
  va_start(args, format);
  printf("%s ", key);
  vprintf(format, args);
  printf("\n");
  fflush(stdout);
  va_end(args);
}

void NotApplicable(const char* format, ...) {
  va_list args;
  va_start(args, format);
  printf("not_applicable ");
  vprintf(format, args);
  printf("\n");
  fflush(stdout);
  va_end(args);
  _exit(kNotApplicable);
}

void Fail(const char* what) {
  fprintf(stderr, "%s: %s\n", what, strerror(errno));
  _exit(1);
}

void FailOrNotApplicable(const char* what) {
  switch (errno) {
    case ENOSYS:
    case EOPNOTSUPP:
    case EPROTONOSUPPORT:
    case EAFNOSUPPORT:
    case ESOCKTNOSUPPORT:
    case ENODEV:
    case ENOPROTOOPT:
      NotApplicable("%s: %s", what, strerror(errno));
    default:
      Fail(what);
  }
}

long Check(long result, const char* what) {
  if (result < 0) Fail(what);
  return result;
}

const char* Here(const char* name) {
  static char paths[8][8192];
  static int next;
  char* path = paths[next++ % 8];
  if (getcwd(path, 4096) == NULL) Fail("getcwd");
  const size_t size = strlen(path);
  snprintf(path + size, sizeof(paths[0]) - size, "/%s", name);
  return path;
}

void WriteFile(const char* path, const char* text) {
  const int fd = (int)Check(open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), path);
  Check(write(fd, text, strlen(text)), path);
  close(fd);
}

void CopyProgram(const char* from, const char* to) {
  const int in = (int)Check(open(from, O_RDONLY | O_CLOEXEC), from);
  const int out = (int)Check(open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0700), to);
  struct stat status;
  Check(fstat(in, &status), from);
  for (off_t rest = status.st_size; rest > 0;) {
    rest -= Check(sendfile(out, in, NULL, (size_t)rest), "sendfile");
  }
  close(in);
  close(out);
}

void ReadAndClose(int fd) {
  char byte;
  Check(fd, "open");
  Check(read(fd, &byte, 1), "read");
  close(fd);
}

void Reap(pid_t child) {
  int status;
  Check(child, "fork");
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) Fail("waitpid");
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    if (WIFEXITED(status) && WEXITSTATUS(status) == kNotApplicable) _exit(kNotApplicable);
    fprintf(stderr, "child ended with status %#x\n", status);
    _exit(1);
  }
}

void Await(pid_t child) {
  Check(child, "fork");
  while (waitpid(child, NULL, 0) < 0) {
    if (errno != EINTR) Fail("waitpid");
  }
}

pid_t Sleeper(void) {
  const pid_t child = fork();
  if (child == 0) {
    pause();
    _exit(0);
  }
  Fact("target", "%d", child);
  return (pid_t)Check(child, "fork");
}

void Kill(pid_t child) {
  Check(kill(child, SIGKILL), "kill");
  Await(child);
}

char* LowPage(void) {
  char* page =
      mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
  if (page == MAP_FAILED) Fail("mmap below 4 GiB");
  return page;
}

int Listener(int family, int protocol, int* port) {
  const int listener = socket(family, SOCK_STREAM | SOCK_CLOEXEC, protocol);
  if (listener < 0) FailOrNotApplicable("socket");
  struct sockaddr_storage address = {.ss_family = (sa_family_t)family};
  socklen_t size;
  if (family == AF_INET6) {
    ((struct sockaddr_in6*)&address)->sin6_addr = in6addr_loopback;
    size = sizeof(struct sockaddr_in6);
  } else {
    ((struct sockaddr_in*)&address)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    size = sizeof(struct sockaddr_in);
  }
  Check(bind(listener, (struct sockaddr*)&address, size), "bind");
  Check(listen(listener, 8), "listen");
  Check(getsockname(listener, (struct sockaddr*)&address, &size), "getsockname");
  *port = ntohs(((struct sockaddr_in*)&address)->sin_port); /* the same place in both families */
  return listener;
}

void OwnMounts(void) {
  Check(unshare(CLONE_NEWNS), "unshare");
  Check(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "mount / private");
}

int main(int argc, char** argv) {
  const struct act* const tables[] = {kPathActs,   kExecActs,    kAbiActs,
                                      kMemoryActs, kNetworkActs, kIdentityActs};
  if (argc < 2) {
    fprintf(stderr, "usage: %s NUMBER\n", argv[0]);
    return 2;
  }
  const int number = atoi(argv[1]);
  if (number == 0) return 0; /* what acts execute: a program that does nothing */
  for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++) {
    for (const struct act* act = tables[t]; act->run != NULL; act++) {
      if (act->number != number) continue;
      Fact("pid", "%d", getpid());
      act->run();
      return 0;
    }
  }
  fprintf(stderr, "no act %s\n", argv[1]);
  return 2;
}
