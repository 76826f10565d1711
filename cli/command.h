// SPDX-License-Identifier: Apache-2.0
// From the words of a command line to a verb's run. Threads: main thread only.
#ifndef VAKT_CLI_COMMAND_H_
#define VAKT_CLI_COMMAND_H_

#include <string>

#include "absl/types/span.h"
#include "cli/console.h"

namespace vakt {

// Runs what `words` (without the program's name) say and returns the exit status. An error is one
// line on the console's error stream.
int RunCommand(absl::Span<const std::string> words, Console& console);

}  // namespace vakt

#endif  // VAKT_CLI_COMMAND_H_
