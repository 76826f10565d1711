// SPDX-License-Identifier: Apache-2.0
// vaktctl: for analysts, operators and rule authors.
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/console.h"
#include "cli/verbs.h"

namespace {

void ExitInterrupted(int) { _exit(vakt::kInterrupted); }

}  // namespace

int main(int argc, char** argv) {
  signal(SIGINT, ExitInterrupted);      // alerts tail takes it over
  setenv("GRPC_VERBOSITY", "NONE", 0);  // gRPC's own log lines; errors come as statuses
  vakt::Console console = vakt::Console::Standard();
  return vakt::RunCommand(std::vector<std::string>(argv + 1, argv + argc), console);
}
