// SPDX-License-Identifier: Apache-2.0
// From places in programs to the names of their functions.
//
// Threads: pure function; reads files.
#ifndef VAKT_SYMBOLS_NAME_FRAMES_H_
#define VAKT_SYMBOLS_NAME_FRAMES_H_

#include <string>
#include <vector>

#include "symbols/frame.h"

namespace vakt {

struct SymbolSearch {
  std::string root;  // of the node's files, without a slash at the end; empty: this machine's
  std::vector<std::string> paths;  // files and directories to look at first
};

// One for each frame, in their order. A frame is the place behind a call, so the function is the
// one that has the byte before: a call that does not return may be the last thing in its function.
std::vector<NamedFrame> NameFrames(const std::vector<Frame>& frames, const SymbolSearch& search);

}  // namespace vakt

#endif  // VAKT_SYMBOLS_NAME_FRAMES_H_
