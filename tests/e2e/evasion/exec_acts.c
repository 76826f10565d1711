// SPDX-License-Identifier: Apache-2.0
// Cases 5 and 25 to 39: what runs, under which name, as whose child.
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "act.h"

enum { kManyTimes = 1000 };

// Runs `path` with these arguments and an environment in a child.
static pid_t Start(const char* path, char* const arguments[], char* const environment[]) {
  const pid_t child = fork();
  if (child == 0) {
    execve(path, arguments, environment);
    Fail(path);
  }
  return child;
}

static char* const kNoEnvironment[] = {NULL};

static void Run(const char* path, const char* argv0) {
  char* arguments[] = {(char*)argv0, "0", NULL};
  const pid_t child = Start(path, arguments, kNoEnvironment);
  Fact("child", "%d", child);
  Reap(child);
}

// ---- 5: the arguments are overwritten after the exec; the process then opens the secret

static void RewriteArguments(void) {
  CopyProgram("/proc/self/exe", "program");
  char* arguments[] = {"program", "5005", "original-argument", NULL};
  Reap(Start("program", arguments, kNoEnvironment));
}

// The second half, in the new program: 5005.
static void OverwriteOwnArguments(void) {
  FILE* stat = fopen("/proc/self/stat", "r");
  char line[4096];
  if (stat == NULL || fgets(line, sizeof(line), stat) == NULL) Fail("/proc/self/stat");
  char* field = strrchr(line, ')') + 2;
  for (int i = 3; i < 48; i++) field = strchr(field, ' ') + 1;  // 48: arg_start
  unsigned long start, end;
  if (sscanf(field, "%lu %lu", &start, &end) != 2) Fail("/proc/self/stat");
  memset((void*)start, 'z', end - start - 1);
  ReadAndClose(open("secret", O_RDONLY));
}

// ---- 25 to 27: programs without a file

static int MemoryProgram(const char* name) {
  const int memory = (int)syscall(SYS_memfd_create, name, 0);
  if (memory < 0) FailOrNotApplicable("memfd_create");
  const int in = (int)Check(open("/proc/self/exe", O_RDONLY | O_CLOEXEC), "/proc/self/exe");
  struct stat status;
  Check(fstat(in, &status), "fstat");
  for (off_t rest = status.st_size; rest > 0;) {
    rest -= Check(sendfile(memory, in, NULL, (size_t)rest), "sendfile");
  }
  close(in);
  return memory;
}

static void RunDescriptor(int fd, const char* argv0) {
  const pid_t child = fork();
  if (child == 0) {
    char* arguments[] = {(char*)argv0, "0", NULL};
    syscall(SYS_execveat, fd, "", arguments, kNoEnvironment, AT_EMPTY_PATH);
    FailOrNotApplicable("execveat");
  }
  Reap(child);
}

static void MemoryByDescriptor(void) { RunDescriptor(MemoryProgram("case-25"), "innocent"); }

static void MemoryByProc(void) {
  char name[64];
  snprintf(name, sizeof(name), "/proc/self/fd/%d", MemoryProgram("case-26"));
  Run(name, "innocent");
}

static void DeletedProgram(void) {
  CopyProgram("/proc/self/exe", "program");
  const int fd = (int)Check(open("program", O_RDONLY), "program");
  Check(unlink("program"), "unlink");
  RunDescriptor(fd, "innocent");
}

// ---- 28 to 31: programs by another name

static void ProgramByLink(void) {
  CopyProgram("/proc/self/exe", "program");
  Check(symlink("program", "sshd"), "symlink");
  Run("sshd", "sshd");
}

static void ThroughLoader(void) {
  const char* const loader = "/lib64/ld-linux-x86-64.so.2";
  if (access(loader, X_OK) < 0) NotApplicable("no %s here", loader);
  if (access("/bin/true", X_OK) < 0) NotApplicable("no dynamic program here");
  CopyProgram("/bin/true", "program");
  char* arguments[] = {"ld.so", "./program", NULL};
  Reap(Start(loader, arguments, kNoEnvironment));
}

static void Script(void) {
  CopyProgram("/proc/self/exe", "interpreter");
  char text[8192];
  snprintf(text, sizeof(text), "#!%s 0\n", Here("interpreter"));
  WriteFile("script", text);
  Check(chmod("script", 0700), "chmod");
  Run("./script", "innocent");
}

static void RegisteredFormat(void) {
  Check(unshare(CLONE_NEWUSER | CLONE_NEWNS), "unshare");
  WriteFile("/proc/self/uid_map", "0 0 1");
  WriteFile("/proc/self/setgroups", "deny");
  WriteFile("/proc/self/gid_map", "0 0 1");
  Check(mkdir("binfmt", 0700), "mkdir");
  if (mount("none", "binfmt", "binfmt_misc", 0, NULL) < 0) {
    NotApplicable("binfmt_misc cannot be mounted in a user namespace: %s", strerror(errno));
  }
  CopyProgram("/proc/self/exe", "interpreter");
  char row[8192];
  snprintf(row, sizeof(row), ":vakt:M::\\x7fVAKT::%s:", Here("interpreter"));
  WriteFile("binfmt/register", row);
  WriteFile("program", "\x7fVAKT");
  Check(chmod("program", 0700), "chmod");
  const pid_t child = fork();
  if (child == 0) {
    execl("./program", "0", "0", NULL);
    Fail("execl");
  }
  Await(child);  // the interpreter is given the program's name as its number: it ends with 2
}

// ---- 32 to 36: names and arguments that deceive

static void ChangedName(void) { Check(prctl(PR_SET_NAME, "sshd"), "prctl"); }

static void DeceivingArgument(void) {
  CopyProgram("/proc/self/exe", "program");
  Run("program", "sshd: root@pts/0");
}

static void FalseKernelThread(void) {
  RunDescriptor(MemoryProgram("[kworker/u8:0]"), "[kworker/u8:0]");
}

static void LongArguments(void) {
  CopyProgram("/proc/self/exe", "program");
  enum { kCount = 10, kSize = 100 * 1000 };
  char* arguments[kCount + 4] = {"program", "0"};
  for (int i = 2; i < kCount + 2; i++) {
    arguments[i] = malloc(kSize + 1);
    memset(arguments[i], 'a', kSize);
    arguments[i][kSize] = '\0';
  }
  arguments[kCount + 2] = "marker-at-the-end";
  Reap(Start("program", arguments, kNoEnvironment));
}

static void PreloadedLibrary(void) {
  if (access("/bin/true", X_OK) < 0) NotApplicable("no dynamic program here");
  WriteFile("library.so", "not a library");  // the loader opens it, complains and goes on
  char variable[8192];
  snprintf(variable, sizeof(variable), "LD_PRELOAD=%s", Here("library.so"));
  char* arguments[] = {"true", NULL};
  char* environment[] = {variable, NULL};
  const pid_t child = fork();
  if (child == 0) {
    const int null = open("/dev/null", O_WRONLY);
    dup2(null, 2);
    execve("/bin/true", arguments, environment);
    Fail("/bin/true");
  }
  Reap(child);
}

// ---- 37 to 39: who is whose child

static void ChildOfParent(void) {
  CopyProgram("/proc/self/exe", "program");
  for (int i = 0; i < kManyTimes; i++) {
    const pid_t child = vfork();
    if (child == 0) {
      execl("program", "vforked", "0", NULL);
      _exit(1);
    }
    Reap(child);
  }
  Fact("times", "%d", kManyTimes);
  // A child of this process that says CLONE_PARENT makes a sister, not a child of its own.
  const pid_t child = fork();
  if (child == 0) {
    struct clone_args how = {.flags = CLONE_PARENT};
    const pid_t sister = (pid_t)syscall(SYS_clone3, &how, sizeof(how));
    if (sister < 0) FailOrNotApplicable("clone3");
    if (sister == 0) {
      execl("program", "sister", "0", NULL);
      _exit(1);
    }
    _exit(0);
  }
  Reap(child);
  while (waitpid(-1, NULL, 0) > 0) {
  }
}

static void* ExecInThread(void* unused) {
  (void)unused;
  execl("program", "from-thread", "0", NULL);
  Fail("execl");
}

static void ExecFromThread(void) {
  CopyProgram("/proc/self/exe", "program");
  const pid_t child = fork();
  if (child == 0) {
    pthread_t thread;
    pthread_create(&thread, NULL, ExecInThread, NULL);
    pause();
  }
  Fact("child", "%d", child);
  Reap(child);
}

// In a pid namespace with few pids, so that they come back (from 300 on: the kernel's
// RESERVED_PIDS).
static void ReusedPid(void) {
  struct utsname system;
  int major, minor;
  Check(uname(&system), "uname");
  if (sscanf(system.release, "%d.%d", &major, &minor) != 2) Fail("uname");
  // Before 6.14 the limit is the whole machine's: not this act's to set.
  if (major * 1000 + minor < 6014) NotApplicable("pid_max is not the namespace's own before 6.14");
  Check(unshare(CLONE_NEWPID | CLONE_NEWNS), "unshare");
  CopyProgram("/proc/self/exe", "program");
  const pid_t init = fork();
  if (init == 0) {
    Check(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "mount / private");
    Check(mount("proc", "/proc", "proc", 0, NULL), "mount /proc");
    const int limit = open("/proc/sys/kernel/pid_max", O_WRONLY);
    const char* const text = "400";
    Check(write(limit, text, strlen(text)), "pid_max");
    char name[32];
    char seen[401] = {0};
    int reused = 0;
    for (int i = 0; i < 700; i++) {
      snprintf(name, sizeof(name), "run-%d", i);
      const pid_t child = fork();
      if (child == 0) {
        execl("program", name, "0", NULL);
        _exit(1);
      }
      Reap(child);
      reused += seen[child];
      seen[child] = 1;
    }
    Fact("reused", "%d", reused);
    _exit(reused == 0);
  }
  Reap(init);
}

const struct act kExecActs[] = {
    {5, RewriteArguments},    {5005, OverwriteOwnArguments},
    {25, MemoryByDescriptor}, {26, MemoryByProc},
    {27, DeletedProgram},     {28, ProgramByLink},
    {29, ThroughLoader},      {30, Script},
    {31, RegisteredFormat},   {32, ChangedName},
    {33, DeceivingArgument},  {34, FalseKernelThread},
    {35, LongArguments},      {36, PreloadedLibrary},
    {37, ChildOfParent},      {38, ExecFromThread},
    {39, ReusedPid},          {0, NULL},
};
