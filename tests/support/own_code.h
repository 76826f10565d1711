// SPDX-License-Identifier: Apache-2.0
// A system call whose place in the program is known to the byte, and what the ELF files of this
// process say of an address. For tests of user stacks; compiled with frame pointers.
//
// Threads: thread-safe.
#ifndef VAKT_TESTS_SUPPORT_OWN_CODE_H_
#define VAKT_TESTS_SUPPORT_OWN_CODE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace vakt {

using CallNumbers = std::array<long, 5>;  // the number of the call, its first four arguments

// What runs machine code: it takes the numbers and returns what the kernel does, or -errno.
using CodeFunction = long (*)(long number, long a, long b, long c, long d);

// Makes the call; CallSite() is the address behind its instruction. Stores where it returns to.
long CallFromHere(const CallNumbers& call, const void** returns_to);
const void* CallSite();
// The same from a function that is called `depth` times by itself.
long CallFromDepth(int depth, const CallNumbers& call, const void** returns_to);

// Position-independent machine code of a CodeFunction; its system call ends kCodeCallEnd bytes in.
std::string_view CallingCode();
inline constexpr size_t kCodeCallEnd = 17;

struct CodePlace {
  std::string build_id;  // 20 bytes
  uint64_t offset = 0;   // in the file
};
// Of an address in an ELF file of this process.
CodePlace PlaceOf(const void* address);

}  // namespace vakt

#endif  // VAKT_TESTS_SUPPORT_OWN_CODE_H_
