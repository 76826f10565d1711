// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/collector_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <utility>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/base/file.h"

namespace vakt {
namespace {

constexpr absl::Duration kReadyTimeout = absl::Seconds(30);

}  // namespace

CollectorProcess::CollectorProcess(std::vector<std::string> flags, std::string ready_path,
                                   std::string log_path)
    : ready_path_(std::move(ready_path)), log_path_(std::move(log_path)) {
  unlink(ready_path_.c_str());
  std::vector<std::string> words = {VAKT_BINARY_DIR "/bin/vakt-collector", "--ready-file",
                                    ready_path_};
  words.insert(words.end(), flags.begin(), flags.end());
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  const pid_t owner = getpid();
  pid_ = fork();
  if (pid_ != 0) return;
  // Only async-signal-safe calls from here: the parent has threads.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != owner) _exit(127);  // it ended before that
  const int log = open(log_path_.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  dup2(log, STDERR_FILENO);
  execv(arguments[0], arguments.data());
  _exit(127);
}

std::string CollectorProcess::WaitReady() {
  const absl::Time deadline = absl::Now() + kReadyTimeout;
  while (absl::Now() < deadline) {
    if (auto address = ReadFile(ready_path_); address.ok()) {
      return address->substr(0, address->find('\n'));
    }
    if (waitpid(pid_, nullptr, WNOHANG) == pid_) {
      pid_ = -1;
      return "";
    }
    absl::SleepFor(absl::Milliseconds(2));
  }
  return "";
}

void CollectorProcess::Kill() {
  if (pid_ > 0) Stop(SIGKILL);
}

int CollectorProcess::Stop(int signal) {
  if (pid_ > 0) kill(pid_, signal);
  return Wait();
}

int CollectorProcess::Wait() {
  int status = 0;
  if (pid_ <= 0 || waitpid(std::exchange(pid_, -1), &status, 0) < 0) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

std::string CollectorProcess::Log() const { return ReadFile(log_path_).value_or(""); }

}  // namespace vakt
