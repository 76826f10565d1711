// SPDX-License-Identifier: Apache-2.0
// What a program sets for itself as a whole, before it starts a thread.
#ifndef VAKT_COMMON_BASE_PROCESS_H_
#define VAKT_COMMON_BASE_PROCESS_H_

#include <cstdint>

namespace vakt {

// Debian builds abseil with its checks on: each absl::Mutex, gRPC's among them, keeps a graph of
// the order in which it was locked together with others. That took a tenth of the CPU of a
// handshake, and more the more connections there were. Tests leave it on.
void DisableMutexChecks();

// glibc keeps what was large and is freed, in each thread's own heap and more the larger it was: 10
// MiB for what the agent reads of its flows now and then. From here on the system has it again at
// once.
void GiveLargeMemoryBack();

// Lets the process have as many open files as it may ask for; returns how many.
uint64_t RaiseFileLimit();

}  // namespace vakt

#endif  // VAKT_COMMON_BASE_PROCESS_H_
