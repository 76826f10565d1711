// SPDX-License-Identifier: Apache-2.0
// The program vakt-collector as a child process. Ended, by its pid, when the owner goes, and by the
// kernel when the thread that made it ends in any other way.
// Threads: thread-compatible.
#ifndef VAKT_TESTS_INTEGRATION_COLLECTOR_PROCESS_H_
#define VAKT_TESTS_INTEGRATION_COLLECTOR_PROCESS_H_

#include <sys/types.h>

#include <string>
#include <vector>

namespace vakt {

class CollectorProcess {
 public:
  // Flags as on the command line; its stderr goes to `log_path`. `ready_path`: the file of
  // --ready-file, which is added.
  CollectorProcess(std::vector<std::string> flags, std::string ready_path, std::string log_path);
  ~CollectorProcess() { Kill(); }
  CollectorProcess(const CollectorProcess&) = delete;
  CollectorProcess& operator=(const CollectorProcess&) = delete;

  // The address that it listens on; empty when it ended, or was not ready in time.
  std::string WaitReady();

  pid_t pid() const { return pid_; }

  void Kill();              // SIGKILL, and waits
  int Stop(int signal);     // sends it, and waits: the exit code, or -1 when a signal ended it
  int Wait();               // likewise
  std::string Log() const;  // what it has written so far

 private:
  const std::string ready_path_;
  const std::string log_path_;
  pid_t pid_ = -1;
};

}  // namespace vakt

#endif  // VAKT_TESTS_INTEGRATION_COLLECTOR_PROCESS_H_
