/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Harmless acts, one per evasion case. `evasion_acts NUMBER` does act NUMBER in the current
 * directory, where a file `secret` lies, and prints what really happened as "key value" lines,
 * which the test compares with what the agent said. Exit status 0: done; 77: this kernel cannot
 * (the last line says why); anything else: the act itself failed.
 *
 * Static and self-contained: the same binary runs natively and as a guest's only program.
 */
#ifndef VAKT_EVASION_ACT_H_
#define VAKT_EVASION_ACT_H_

#include <stddef.h>
#include <sys/types.h>

struct act {
  int number;
  void (*run)(void);
};

/* Tables of the acts, one a file, each ended by a row without a function. */
extern const struct act kPathActs[], kExecActs[], kAbiActs[], kMemoryActs[], kNetworkActs[],
    kIdentityActs[];

/* Prints a fact. */
void Fact(const char* key, const char* format, ...) __attribute__((format(printf, 2, 3)));
/* Ends the program: the act cannot be done here. */
_Noreturn void NotApplicable(const char* format, ...) __attribute__((format(printf, 1, 2)));
/* Ends the program with errno's text: the act failed. */
_Noreturn void Fail(const char* what);
/* Ends the program as not applicable when the kernel does not know the call, else as Fail. */
_Noreturn void FailOrNotApplicable(const char* what);
/* `result` unless it is negative, which ends the program. */
long Check(long result, const char* what);

/* The absolute path of `name` in the current directory; static storage for eight of them. */
const char* Here(const char* name);
void WriteFile(const char* path, const char* text);
/* Copies a file, executable. */
void CopyProgram(const char* from, const char* to);
/* Reads a byte and closes. */
void ReadAndClose(int fd);
/* Waits for a child and ends the program unless it ended with 0. */
void Reap(pid_t child);
/* Waits for a child, however it ends. */
void Await(pid_t child);
/* A child that sleeps: the process that an act is done to. Tells its id as `target`. */
pid_t Sleeper(void);
/* Kills a child and waits for its end. */
void Kill(pid_t child);
/* A page below 4 GiB, for calls by the 32-bit ABI. */
char* LowPage(void);
/* A listening TCP socket on 127.0.0.1 (or ::1), protocol 0 or IPPROTO_MPTCP; *port is set. */
int Listener(int family, int protocol, int* port);
/* Mounts made private in a mount namespace of its own. */
void OwnMounts(void);

#endif
