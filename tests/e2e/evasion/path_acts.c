// SPDX-License-Identifier: Apache-2.0
// Cases 1 to 4 (arguments that change or cannot be read) and 6 to 24 (paths and files).
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "act.h"

enum { kPage = 4096, kManyTimes = 1000 };
enum { kFirstPart = 8 };  // of a name over two pages: a whole word, which the kernel reads at once

static void FactsOf(const char* path) {
  struct stat status;
  Check(stat(path, &status), path);
  Fact("ino", "%lu", (unsigned long)status.st_ino);
}

// ---- 1: the name is rewritten while the call blocks on a FIFO

static char changing_name[64];

static void* OpenChangingName(void* unused) {
  (void)unused;
  ReadAndClose(open(changing_name, O_RDONLY));
  return NULL;
}

static void RewriteWhileBlocked(void) {
  Check(mkfifo("fifo", 0600), "mkfifo");
  Fact("truth", "%s", Here("fifo"));
  strcpy(changing_name, "fifo");
  pthread_t opener;
  pthread_create(&opener, NULL, OpenChangingName, NULL);
  usleep(200 * 1000);  // the opener waits for a writer by now
  strcpy(changing_name, "none");
  const int out = (int)Check(open("fifo", O_WRONLY), "open fifo");
  Check(write(out, "x", 1), "write");
  pthread_join(opener, NULL);
  close(out);
}

// ---- 2: the name's first page is rewritten while the kernel faults on its second one

struct fault_handler {
  int fd;
  char* pages;
};

static void* RewriteOnFault(void* argument) {
  struct fault_handler* handler = argument;
  struct uffd_msg message;
  struct pollfd ready = {.fd = handler->fd, .events = POLLIN};
  Check(poll(&ready, 1, 5000), "poll");
  Check(read(handler->fd, &message, sizeof(message)), "userfaultfd");
  memcpy(handler->pages + kPage - kFirstPart, "/proc/se", kFirstPart);
  char tail[kPage] = "cret";
  struct uffdio_copy copy = {
      .dst = (unsigned long)handler->pages + kPage, .src = (unsigned long)tail, .len = kPage};
  Check(ioctl(handler->fd, UFFDIO_COPY, &copy), "UFFDIO_COPY");
  return NULL;
}

static void RewriteOnUserFault(void) {
  const int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
  if (fd < 0) FailOrNotApplicable("userfaultfd");
  struct uffdio_api api = {.api = UFFD_API};
  Check(ioctl(fd, UFFDIO_API, &api), "UFFDIO_API");
  char* pages = mmap(NULL, 2 * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  memcpy(pages + kPage - kFirstPart, "./././se", kFirstPart);
  struct uffdio_register area = {.range = {(unsigned long)pages + kPage, kPage},
                                 .mode = UFFDIO_REGISTER_MODE_MISSING};
  Check(ioctl(fd, UFFDIO_REGISTER, &area), "UFFDIO_REGISTER");
  struct fault_handler handler = {fd, pages};
  pthread_t thread;
  pthread_create(&thread, NULL, RewriteOnFault, &handler);
  const int opened = open(pages + kPage - kFirstPart, O_RDONLY);
  pthread_join(thread, NULL);
  ReadAndClose(opened);
}

// ---- 3: the name lies on a page that is mapped and was never touched

static char* UntouchedPage(const char* text) {
  WriteFile("name", text);
  const int fd = (int)Check(open("name", O_RDONLY), "name");
  char* page = mmap(NULL, kPage, PROT_READ, MAP_PRIVATE, fd, 0);
  if (page == MAP_FAILED) Fail("mmap");
  close(fd);
  return page;
}

static void NameOnUntouchedPage(void) {
  ReadAndClose(open(UntouchedPage(Here("secret")), O_RDONLY));
  CopyProgram("/proc/self/exe", "program");
  const pid_t child = fork();
  if (child == 0) {
    char* arguments[] = {"program", "0", NULL};
    execv(UntouchedPage(Here("program")), arguments);
    Fail("execv");
  }
  Reap(child);
}

// ---- 4: the directory descriptor is closed and the process replaced at once

static void DirectoryGoneAtOnce(void) {
  Check(mkdir("deep", 0700), "mkdir");
  WriteFile("deep/hidden", "x");
  CopyProgram("/proc/self/exe", "program");
  for (int i = 0; i < kManyTimes; i++) {
    const pid_t child = vfork();
    if (child == 0) {
      const int dir = open("deep", O_PATH | O_DIRECTORY);
      const int fd = openat(dir, "hidden", O_RDONLY);
      close(dir);
      close(fd);
      execl("program", "program", "0", NULL);
      _exit(1);
    }
    Reap(child);
  }
  Fact("times", "%d", kManyTimes);
}

// ---- 6 to 10: other ways to name the file

static void SymbolicLink(void) {
  Check(symlink("secret", "innocent"), "symlink");
  ReadAndClose(open("innocent", O_RDONLY));
}

static void RelativeToDirectory(void) {
  Check(mkdir("other", 0700), "mkdir");
  const int dir = (int)Check(open("other", O_PATH | O_DIRECTORY), "other");
  ReadAndClose(openat(dir, "../other/.././secret", O_RDONLY));
}

static void InsideAnotherRoot(void) {
  const int dir = (int)Check(open(".", O_PATH | O_DIRECTORY), ".");
  struct open_how how = {.flags = O_RDONLY, .resolve = RESOLVE_IN_ROOT};
  const int fd = (int)syscall(SYS_openat2, dir, "/secret", &how, sizeof(how));
  if (fd < 0) FailOrNotApplicable("openat2");
  ReadAndClose(fd);
}

static void ReopenedPathDescriptor(void) {
  const int path = (int)Check(open("secret", O_PATH), "secret");
  char name[64];
  snprintf(name, sizeof(name), "/proc/self/fd/%d", path);
  ReadAndClose(open(name, O_RDONLY));
}

static void ByHandle(void) {
  char buffer[sizeof(struct file_handle) + MAX_HANDLE_SZ];
  struct file_handle* handle = (struct file_handle*)buffer;
  handle->handle_bytes = MAX_HANDLE_SZ;
  int mount_id;
  if (name_to_handle_at(AT_FDCWD, "secret", handle, &mount_id, 0) < 0) {
    FailOrNotApplicable("name_to_handle_at");
  }
  const int dir = (int)Check(open(".", O_RDONLY | O_DIRECTORY), ".");
  const int fd = open_by_handle_at(dir, handle, O_RDONLY);
  if (fd < 0 && errno == ESTALE) NotApplicable("this file system has no handles");
  ReadAndClose(fd);
}

// ---- 11 to 16: other places of the same file

static void HardLink(void) {
  FactsOf("secret");
  Check(link("secret", "innocent"), "link");
  ReadAndClose(open("innocent", O_RDONLY));
}

static void BindMount(void) {
  FactsOf("secret");
  OwnMounts();
  Check(mkdir("alias", 0700), "mkdir");
  Check(mount(".", "alias", NULL, MS_BIND, NULL), "mount --bind");
  ReadAndClose(open("alias/secret", O_RDONLY));
}

static void NewMountApi(void) {
  FactsOf("secret");
  OwnMounts();
  Check(mkdir("alias", 0700), "mkdir");
  const int tree = (int)syscall(SYS_open_tree, AT_FDCWD, ".", 1 /* OPEN_TREE_CLONE */);
  if (tree < 0) FailOrNotApplicable("open_tree");
  Check(syscall(SYS_move_mount, tree, "", AT_FDCWD, "alias", 4 /* MOVE_MOUNT_F_EMPTY_PATH */),
        "move_mount");
  ReadAndClose(open("alias/secret", O_RDONLY));
}

static void ChangedRoot(void) {
  Check(chroot("."), "chroot");
  ReadAndClose(open("/secret", O_RDONLY));
}

static void ThroughProcRoot(void) {
  char name[8192];
  snprintf(name, sizeof(name), "/proc/self/root%s", Here("secret"));
  ReadAndClose(open(name, O_RDONLY));
}

static void DescriptorOfAnother(void) {
  const int fd = (int)Check(open("secret", O_RDONLY), "secret");
  int done[2];
  Check(pipe(done), "pipe");
  const pid_t child = fork();
  if (child == 0) {
    char byte;
    close(done[1]);
    _exit(read(done[0], &byte, 1) < 0);
  }
  close(fd);
  char name[64];
  snprintf(name, sizeof(name), "/proc/%d/fd/%d", child, fd);
  ReadAndClose(open(name, O_RDONLY));
  close(done[1]);
  Reap(child);
}

// ---- 17, 18

static void OverlayCopyUp(void) {
  OwnMounts();
  Check(mkdir("disk", 0700), "mkdir");
  Check(mount("none", "disk", "tmpfs", 0, NULL), "mount tmpfs");
  const char* const directories[] = {"disk/lower", "disk/upper", "disk/work", "disk/merged"};
  for (int i = 0; i < 4; i++) Check(mkdir(directories[i], 0700), "mkdir");
  CopyProgram("/proc/self/exe", "disk/lower/program");
  if (mount("none", "disk/merged", "overlay", 0,
            "lowerdir=disk/lower,upperdir=disk/upper,workdir=disk/work") < 0) {
    FailOrNotApplicable("mount overlay");
  }
  const int out = (int)Check(open("disk/merged/program", O_WRONLY | O_APPEND), "copy up");
  Check(write(out, "\n", 1), "write");
  close(out);
  const pid_t child = fork();
  if (child == 0) {
    execl("disk/merged/program", "program", "0", NULL);
    Fail("execl");
  }
  Reap(child);
}

static void LongPath(void) {
  char name[201];
  memset(name, 'd', 200);
  name[200] = '\0';
  for (int i = 0; i < 25; i++) {
    Check(mkdir(name, 0700), "mkdir");
    Check(chdir(name), "chdir");
  }
  WriteFile("long-secret", "x");
  ReadAndClose(open("long-secret", O_RDONLY));
}

// ---- 19, 20: a descriptor that its user never opened

static void PassedDescriptor(void) {
  int pair[2];
  Check(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), "socketpair");
  const pid_t child = fork();
  char control[CMSG_SPACE(sizeof(int))] = {0};
  char byte = 'x';
  struct iovec data = {&byte, 1};
  struct msghdr message = {
      .msg_iov = &data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
  if (child == 0) {
    Check(recvmsg(pair[1], &message, 0), "recvmsg");
    int fd;
    memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
    ReadAndClose(fd);
    _exit(0);
  }
  Fact("receiver", "%d", child);
  const int fd = (int)Check(open("secret", O_RDONLY), "secret");
  struct cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(header), &fd, sizeof(fd));
  Check(sendmsg(pair[0], &message, 0), "sendmsg");
  Reap(child);
}

static void StolenDescriptor(void) {
  int pair[2];
  Check(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), "socketpair");
  const pid_t child = fork();
  char byte = 'x';
  if (child == 0) {
    const int fd = (int)Check(open("secret", O_RDONLY), "secret");
    Check(write(pair[1], &fd, sizeof(fd)), "write");
    _exit(read(pair[1], &byte, 1) < 0);
  }
  int fd;
  Check(read(pair[0], &fd, sizeof(fd)), "read");
  Fact("target", "%d", child);
  const int process = (int)syscall(SYS_pidfd_open, child, 0);
  if (process < 0) FailOrNotApplicable("pidfd_open");
  const int stolen = (int)syscall(SYS_pidfd_getfd, process, fd, 0);
  if (stolen < 0) FailOrNotApplicable("pidfd_getfd");
  ReadAndClose(stolen);
  Check(write(pair[0], &byte, 1), "write");
  Reap(child);
}

// ---- 21 to 24: contents without read(2) and write(2), names without create

static void Splice(void) {
  int ends[2];
  Check(pipe(ends), "pipe");
  const int fd = (int)Check(open("secret", O_RDONLY), "secret");
  Check(splice(fd, NULL, ends[1], NULL, 4, 0), "splice");
}

static void WriteThroughMapping(void) {
  const int fd = (int)Check(open("secret", O_RDWR), "secret");
  char* page = mmap(NULL, kPage, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (page == MAP_FAILED) Fail("mmap");
  page[0] = 'X';
  Check(msync(page, kPage, MS_SYNC), "msync");
}

static void RenameInto(void) {
  WriteFile("prepared", "changed");
  Check(rename("prepared", "secret"), "rename");
}

static void LinkNamelessFile(void) {
  const int fd = open(".", O_TMPFILE | O_WRONLY, 0600);
  if (fd < 0) FailOrNotApplicable("O_TMPFILE");
  Check(write(fd, "x", 1), "write");
  char name[64];
  snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
  Check(linkat(AT_FDCWD, name, AT_FDCWD, "appeared", AT_SYMLINK_FOLLOW), "linkat");
}

const struct act kPathActs[] = {
    {1, RewriteWhileBlocked},
    {2, RewriteOnUserFault},
    {3, NameOnUntouchedPage},
    {4, DirectoryGoneAtOnce},
    {6, SymbolicLink},
    {7, RelativeToDirectory},
    {8, InsideAnotherRoot},
    {9, ReopenedPathDescriptor},
    {10, ByHandle},
    {11, HardLink},
    {12, BindMount},
    {13, NewMountApi},
    {14, ChangedRoot},
    {15, ThroughProcRoot},
    {16, DescriptorOfAnother},
    {17, OverlayCopyUp},
    {18, LongPath},
    {19, PassedDescriptor},
    {20, StolenDescriptor},
    {21, Splice},
    {22, WriteThroughMapping},
    {23, RenameInto},
    {24, LinkNamelessFile},
    {0, NULL},
};
