// SPDX-License-Identifier: Apache-2.0
// Places in programs, as alerts have them, and what they are called.
#ifndef VAKT_SYMBOLS_FRAME_H_
#define VAKT_SYMBOLS_FRAME_H_

#include <cstdint>
#include <string>

namespace vakt {

struct Frame {
  std::string build_id;  // 40 hex digits; empty: `offset` is an address in the process's memory
  uint64_t offset = 0;   // in the file
};

struct NamedFrame {
  Frame frame;
  std::string file;      // that has the build id; empty when there is none
  std::string function;  // demangled; empty when it has no name
  uint64_t into = 0;     // bytes from the function's start
  std::string unnamed;   // why it has no name
};

}  // namespace vakt

#endif  // VAKT_SYMBOLS_FRAME_H_
