// SPDX-License-Identifier: Apache-2.0
// Turns SIGINT, SIGTERM and a deadline into a std::stop_token, for verbs that run until they are
// told to end.
//
//   StopOnSignal stop(absl::Minutes(5));
//   std::stop_callback cancel(stop.token(), [&] { context.TryCancel(); });
//
// Ownership: owns a thread and two descriptors. Threads: make it before any other thread starts, so
// that all inherit the signal mask; token() is thread-safe. The mask is restored at the end.
#ifndef VAKT_CLI_STOP_ON_SIGNAL_H_
#define VAKT_CLI_STOP_ON_SIGNAL_H_

#include <csignal>
#include <stop_token>
#include <thread>

#include "absl/time/time.h"
#include "common/base/unique_fd.h"

namespace vakt {

class StopOnSignal {
 public:
  explicit StopOnSignal(absl::Duration deadline);
  ~StopOnSignal();
  StopOnSignal(const StopOnSignal&) = delete;
  StopOnSignal& operator=(const StopOnSignal&) = delete;

  std::stop_token token() const { return source_.get_token(); }

 private:
  void Watch(absl::Time deadline);

  std::stop_source source_;
  sigset_t old_mask_;
  UniqueFd signals_;  // signalfd(2)
  UniqueFd quit_;     // eventfd(2), written by the destructor
  std::thread watcher_;
};

}  // namespace vakt

#endif  // VAKT_CLI_STOP_ON_SIGNAL_H_
