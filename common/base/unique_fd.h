// SPDX-License-Identifier: Apache-2.0
// Owner of one file descriptor: closed when the owner goes. Threads: thread-compatible.
#ifndef VAKT_COMMON_BASE_UNIQUE_FD_H_
#define VAKT_COMMON_BASE_UNIQUE_FD_H_

#include <unistd.h>

#include <utility>

namespace vakt {

class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}  // takes ownership; negative: none
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    reset(other.release());
    return *this;
  }
  UniqueFd(const UniqueFd&) = delete;
  UniqueFd& operator=(const UniqueFd&) = delete;
  ~UniqueFd() { reset(); }

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  explicit operator bool() const { return valid(); }

  [[nodiscard]] int release() { return std::exchange(fd_, -1); }
  void reset(int fd = -1) {
    if (fd_ >= 0 && fd_ != fd) close(fd_);
    fd_ = fd;
  }

 private:
  int fd_ = -1;
};

}  // namespace vakt

#endif  // VAKT_COMMON_BASE_UNIQUE_FD_H_
