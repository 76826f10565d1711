// SPDX-License-Identifier: Apache-2.0
// --help, from the table of verbs. Threads: thread-safe.
#ifndef VAKT_CLI_HELP_H_
#define VAKT_CLI_HELP_H_

#include <string>

#include "cli/verbs.h"

namespace vakt {

// All verbs with all their flags.
std::string GeneralHelp();
// One verb with its flags.
std::string VerbHelp(const Verb& verb);
// The verbs of one noun in short; empty when there is no such noun.
std::string NounHelp(std::string_view noun);

}  // namespace vakt

#endif  // VAKT_CLI_HELP_H_
