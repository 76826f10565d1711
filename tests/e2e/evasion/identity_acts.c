// SPDX-License-Identifier: Apache-2.0
// Cases 59, 61, 62, 64 to 75 and 81: who acts, and acts against the agent's own means. Everything
// that could hurt is done to an own child, an own cgroup or an own object.
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "act.h"

// The cgroup that the test made and this process is in: VAKT_CGROUP.
static const char* OwnCgroup(const char* name) {
  static char path[4096];
  const char* cgroup = getenv("VAKT_CGROUP");
  if (cgroup == NULL) NotApplicable("VAKT_CGROUP is not set");
  snprintf(path, sizeof(path), "%s/%s", cgroup, name);
  return path;
}

static void MoveToFalseContainer(void) {
  char id[65];
  for (int i = 0; i < 64; i++) id[i] = "0123456789abcdef"[(i * 7 + 5) % 16];
  id[64] = '\0';
  char directory[4096];
  snprintf(directory, sizeof(directory), "%s", OwnCgroup(id));
  Check(mkdir(directory, 0700), directory);
  Fact("container", "%.12s", id);
  const pid_t child = fork();
  if (child == 0) {
    char procs[4200];
    snprintf(procs, sizeof(procs), "%s/cgroup.procs", directory);
    const int fd = (int)Check(open(procs, O_WRONLY), procs);
    Check(write(fd, "0", 1), "cgroup.procs");
    close(fd);
    ReadAndClose(open("secret", O_RDONLY));
    _exit(0);
  }
  Reap(child);
  rmdir(directory);
}

static void UserNamespace(void) {
  Check(unshare(CLONE_NEWUSER), "unshare");
  ReadAndClose(open("secret", O_RDONLY));
}

static void NestedPidNamespaces(void) {
  Check(unshare(CLONE_NEWPID), "unshare");
  const pid_t outer = fork();
  if (outer == 0) {
    Check(unshare(CLONE_NEWPID), "unshare");
    const pid_t inner = fork();
    if (inner == 0) {
      ReadAndClose(open("secret", O_RDONLY));
      _exit(getpid() != 1);
    }
    Reap(inner);
    _exit(0);
  }
  Reap(outer);
}

// A child in a cgroup of its own below the test's.
static pid_t ChildIn(const char* directory) {
  Check(mkdir(directory, 0700), directory);
  const pid_t child = fork();
  if (child == 0) {
    char procs[4200];
    snprintf(procs, sizeof(procs), "%s/cgroup.procs", directory);
    const int fd = (int)Check(open(procs, O_WRONLY), procs);
    Check(write(fd, "0", 1), "cgroup.procs");
    pause();
    _exit(0);
  }
  Fact("target", "%d", child);
  usleep(50 * 1000);
  return child;
}

static void WriteControl(const char* directory, const char* file, const char* value) {
  char path[4200];
  snprintf(path, sizeof(path), "%s/%s", directory, file);
  const int fd = open(path, O_WRONLY);
  if (fd < 0 && errno == ENOENT) NotApplicable("no %s here", file);
  Check(fd, path);
  Check(write(fd, value, strlen(value)), path);
  close(fd);
}

static void Freeze(void) {
  char directory[4096];
  snprintf(directory, sizeof(directory), "%s", OwnCgroup("frozen"));
  const pid_t child = ChildIn(directory);
  WriteControl(directory, "cgroup.freeze", "1");
  usleep(50 * 1000);
  WriteControl(directory, "cgroup.freeze", "0");
  Kill(child);
  rmdir(directory);
}

static void KillCgroup(void) {
  char directory[4096];
  snprintf(directory, sizeof(directory), "%s", OwnCgroup("killed"));
  const pid_t child = ChildIn(directory);
  char path[4200];
  snprintf(path, sizeof(path), "%s/cgroup.kill", directory);
  if (access(path, W_OK) < 0) {
    kill(child, SIGKILL);
    Await(child);
    rmdir(directory);
    NotApplicable("no cgroup.kill here");
  }
  WriteControl(directory, "cgroup.kill", "1");
  Await(child);
  rmdir(directory);
}

static void KillChild(void) {
  const pid_t child = Sleeper();
  Kill(child);
}

static void StopChild(void) {
  const pid_t child = Sleeper();
  Check(kill(child, SIGSTOP), "kill");
  Kill(child);
}

// Opens a switch of the kernel's for writing, and leaves it as it is.
static void ReachFor(const char* path) {
  const int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0 && errno == ENOENT) NotApplicable("there is no %s", path);
  close((int)Check(fd, path));
}
static void ReachForFtrace(void) { ReachFor("/proc/sys/kernel/ftrace_enabled"); }
static void ReachForEvents(void) {
  OwnMounts();
  Check(mkdir("tracing", 0700), "mkdir");
  if (mount("tracefs", "tracing", "tracefs", 0, NULL) != 0) FailOrNotApplicable("mount tracefs");
  ReachFor("tracing/events/enable");
}

static void StarveChild(void) {
  const pid_t child = Sleeper();
  struct sched_param none = {0};
  struct rlimit limit = {64, 64};
  Check(sched_setscheduler(child, SCHED_IDLE, &none), "sched_setscheduler");
  Check(prlimit(child, RLIMIT_NOFILE, &limit, NULL), "prlimit");
  Kill(child);
}

static long Bpf(enum bpf_cmd command, union bpf_attr* attr) {
  return syscall(SYS_bpf, command, attr, sizeof(*attr));
}

static int OwnMap(void) {
  union bpf_attr attr = {
      .map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1};
  const long map = Bpf(BPF_MAP_CREATE, &attr);
  if (map < 0) FailOrNotApplicable("BPF_MAP_CREATE");
  return (int)map;
}

static void UpdateMap(void) {
  const int map = OwnMap();
  unsigned key = 0, value = 7;
  union bpf_attr attr = {
      .map_fd = (unsigned)map, .key = (unsigned long)&key, .value = (unsigned long)&value};
  Check(Bpf(BPF_MAP_UPDATE_ELEM, &attr), "BPF_MAP_UPDATE_ELEM");
}

static void RemovePin(void) {
  OwnMounts();
  Check(mkdir("bpf", 0700), "mkdir");
  if (mount("none", "bpf", "bpf", 0, NULL) < 0) FailOrNotApplicable("mount bpf");
  union bpf_attr attr = {.pathname = (unsigned long)"bpf/pin", .bpf_fd = (unsigned)OwnMap()};
  Check(Bpf(BPF_OBJ_PIN, &attr), "BPF_OBJ_PIN");
  Check(unlink("bpf/pin"), "unlink");
}

static void DetachLink(void) {
  union bpf_attr attr = {0};
  attr.link_detach.link_fd = (unsigned)OwnMap();  // refused: a map is not a link
  if (Bpf(BPF_LINK_DETACH, &attr) == 0) Fail("BPF_LINK_DETACH of a map");
}

static void LoadProgram(void) {
  const struct bpf_insn body[] = {{.code = 0xb7}, {.code = 0x95}};  // r0 = 0; exit
  union bpf_attr attr = {.prog_type = BPF_PROG_TYPE_SOCKET_FILTER,
                         .insns = (unsigned long)body,
                         .insn_cnt = 2,
                         .license = (unsigned long)"GPL"};
  if (Bpf(BPF_PROG_LOAD, &attr) < 0) FailOrNotApplicable("BPF_PROG_LOAD");
}

// Refused: no clock has this number.
static void SetClock(void) {
  const struct timespec moment = {0, 0};
  if (clock_settime(1000, &moment) == 0) Fail("clock_settime of no clock");
}

static void LoadModule(void) {
  const int file = (int)Check(open("secret", O_RDONLY), "secret");
  // Not a module: refused with ENOEXEC, or before that where modules are off.
  if (syscall(SYS_finit_module, file, "", 0) == 0) Fail("finit_module of a text");
  if (errno == ENOSYS) NotApplicable("this kernel has no modules");
  Fact("errno", "%d", errno);
}

const struct act kIdentityActs[] = {
    {59, MoveToFalseContainer},
    {61, UserNamespace},
    {62, NestedPidNamespaces},
    {64, KillChild},
    {65, StopChild},
    {66, Freeze},
    {67, KillCgroup},
    {68, StarveChild},
    {69, DetachLink},
    {70, UpdateMap},
    {72, ReachForFtrace},
    {73, ReachForEvents},
    {74, LoadProgram},
    {75, LoadModule},
    {71, RemovePin},
    {81, SetClock},
    {0, NULL},
};
