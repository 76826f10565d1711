// SPDX-License-Identifier: Apache-2.0
// Cases 45 to 49: other processes' memory, and code made at run time. Targets are own children.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "act.h"

static volatile long victim = 1;

static void Ptrace(void) {
  const pid_t child = Sleeper();
  Check(ptrace(PTRACE_ATTACH, child, NULL, NULL), "PTRACE_ATTACH");
  Check(waitpid(child, NULL, __WALL), "waitpid");
  Check(ptrace(PTRACE_POKEDATA, child, (void*)&victim, 2L), "PTRACE_POKEDATA");
  Check(ptrace(PTRACE_DETACH, child, NULL, NULL), "PTRACE_DETACH");
  Kill(child);
}

static void WriteOtherMemory(void) {
  const pid_t child = Sleeper();
  long value = 2;
  struct iovec local = {&value, sizeof(value)};
  struct iovec remote = {(void*)&victim, sizeof(victim)};
  if (process_vm_writev(child, &local, 1, &remote, 1, 0) < 0) {
    FailOrNotApplicable("process_vm_writev");
  }
  Kill(child);
}

static void WriteMemoryFile(const char* path) {
  const int memory = (int)Check(open(path, O_RDWR), path);
  long value = 3;
  Check(pwrite(memory, &value, sizeof(value), (off_t)(unsigned long)&victim), "pwrite");
  close(memory);
}

static void WriteOtherMemoryFile(void) {
  const pid_t child = Sleeper();
  char path[64];
  snprintf(path, sizeof(path), "/proc/%d/mem", child);
  WriteMemoryFile(path);
  Kill(child);
}

static void WriteOwnMemoryFile(void) { WriteMemoryFile("/proc/self/mem"); }

static void WritableThenExecutable(void) {
  char* page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) Fail("mmap");
  page[0] = (char)0xc3;  // ret
  Check(mprotect(page, 4096, PROT_READ | PROT_EXEC), "mprotect");
  ((void (*)(void))page)();
}

const struct act kMemoryActs[] = {
    {45, Ptrace},
    {46, WriteOtherMemory},
    {47, WriteOtherMemoryFile},
    {48, WriteOwnMemoryFile},
    {49, WritableThenExecutable},
    {0, NULL},
};
