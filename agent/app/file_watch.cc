// SPDX-License-Identifier: Apache-2.0
#include "agent/app/file_watch.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include "common/base/status.h"

namespace vakt {

absl::StatusOr<std::unique_ptr<FileWatch>> FileWatch::Create(Periods periods) {
  UniqueFd wake(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake) return ErrnoStatus(errno, "eventfd");
  return std::unique_ptr<FileWatch>(new FileWatch(std::move(wake), periods));
}

void FileWatch::Request() {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(wake_.get(), &one, sizeof(one));
}

void FileWatch::End() {
  end_.store(true);
  Request();
}

bool FileWatch::IsAskedWithin(int ms) const {
  pollfd event = {wake_.get(), POLLIN, 0};
  return poll(&event, 1, ms) > 0;
}

FileWatch::Reason FileWatch::Wait(const std::function<std::string()>& stamp,
                                  const std::string& read) {
  for (;;) {
    const bool is_asked = IsAskedWithin(periods_.look_ms);
    if (end_.load()) return Reason::kEnd;
    if (is_asked) {
      uint64_t requests;
      [[maybe_unused]] const ssize_t got = ::read(wake_.get(), &requests, sizeof(requests));
      return Reason::kRequest;
    }
    std::string now = stamp();
    if (now == read) continue;
    std::string before;
    do {
      before = std::move(now);
      if (IsAskedWithin(periods_.settle_ms)) break;  // what is asked is the next call's
      now = stamp();
    } while (now != before);
    return end_.load() ? Reason::kEnd : Reason::kChange;
  }
}

}  // namespace vakt
