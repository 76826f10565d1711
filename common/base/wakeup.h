// SPDX-License-Identifier: Apache-2.0
// Waiting for news or for time to pass, on the steady clock: absl::Mutex and absl::CondVar wait for
// a moment of the wall clock, and do not wake for years when that is set back.
//
//   const uint64_t seen = wakeup.count();  // before looking at what it is about
//   if (nothing there) wakeup.WaitPast(seen, absl::Seconds(1));
//
// Threads: any number of them.
#ifndef VAKT_COMMON_BASE_WAKEUP_H_
#define VAKT_COMMON_BASE_WAKEUP_H_

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>

#include "absl/time/time.h"

namespace vakt {

class Wakeup {
 public:
  // How often Notify was called.
  uint64_t count() const {
    std::lock_guard lock(mutex_);
    return count_;
  }

  void Notify() {
    {
      std::lock_guard lock(mutex_);
      ++count_;
    }
    news_.notify_all();
  }

  // Until count() is more than `seen`: true; or, after `time`, false.
  bool WaitPast(uint64_t seen, absl::Duration time) const {
    std::unique_lock lock(mutex_);
    const auto has_news = [&] { return count_ > seen; };
    if (time == absl::InfiniteDuration()) {
      news_.wait(lock, has_news);
      return true;
    }
    return news_.wait_for(lock, absl::ToChronoNanoseconds(time), has_news);
  }

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable news_;
  uint64_t count_ = 0;
};

// A moment of the steady clock, to be compared with others of it alone.
inline absl::Time SteadyNow() {
  return absl::UnixEpoch() + absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch());
}

}  // namespace vakt

#endif  // VAKT_COMMON_BASE_WAKEUP_H_
