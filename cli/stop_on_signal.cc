// SPDX-License-Identifier: Apache-2.0
#include "cli/stop_on_signal.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <limits>

#include "absl/time/clock.h"

namespace vakt {
namespace {

// What poll(2) takes: rounded up, so that it does not spin at the end; at most 24 days at once.
int PollTimeoutMs(absl::Time deadline) {
  const absl::Duration left = absl::Ceil(deadline - absl::Now(), absl::Milliseconds(1));
  const int64_t ms = absl::ToInt64Milliseconds(std::max(left, absl::ZeroDuration()));
  return static_cast<int>(std::min<int64_t>(ms, std::numeric_limits<int>::max()));
}

}  // namespace

StopOnSignal::StopOnSignal(absl::Duration deadline) {
  sigset_t mask;
  sigemptyset(&mask);
  sigaddset(&mask, SIGINT);
  sigaddset(&mask, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &mask, &old_mask_);
  signals_ = UniqueFd(signalfd(-1, &mask, SFD_CLOEXEC));
  quit_ = UniqueFd(eventfd(0, EFD_CLOEXEC));
  watcher_ = std::thread([this, deadline] { Watch(absl::Now() + deadline); });
}

StopOnSignal::~StopOnSignal() {
  eventfd_write(quit_.get(), 1);
  watcher_.join();
  // A signal that came in between stays pending no longer: it has done what it is for.
  signalfd_siginfo taken;
  pollfd pending = {.fd = signals_.get(), .events = POLLIN, .revents = 0};
  while (poll(&pending, 1, 0) == 1) {
    if (read(signals_.get(), &taken, sizeof taken) != sizeof taken) break;
  }
  pthread_sigmask(SIG_SETMASK, &old_mask_, nullptr);
}

void StopOnSignal::Watch(absl::Time deadline) {
  pollfd sources[] = {{.fd = signals_.get(), .events = POLLIN, .revents = 0},
                      {.fd = quit_.get(), .events = POLLIN, .revents = 0}};
  while (absl::Now() < deadline) {
    if (poll(sources, 2, PollTimeoutMs(deadline)) > 0) break;
  }
  if (sources[1].revents == 0) source_.request_stop();
}

}  // namespace vakt
