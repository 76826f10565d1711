// SPDX-License-Identifier: Apache-2.0
#include "collector/store/disk_reserve.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "common/base/log.h"
#include "common/base/strings.h"

namespace vakt {
namespace {

constexpr uint64_t kStepBytes = 1 << 20;

}  // namespace

DiskReserve::DiskReserve(const std::string& path, uint64_t bytes)
    : bytes_(bytes), file_(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {
  TakeAgain();
  if (held_bytes() < bytes_) {
    LogWarning(StrCat("store: only ", held_bytes() >> 20, " of ", bytes_ >> 20,
                      " MiB are free for ", path,
                      ": should the disk get full, more than a little must be freed to go on"));
  }
}

void DiskReserve::GiveUp() {
  if (file_ && ftruncate(file_.get(), 0) != 0) LogWarning("store: cannot give up the reserve");
}

void DiskReserve::TakeAgain() {
  if (!file_) return;
  // Step by step: a call that does not find all its room takes none.
  for (uint64_t held = held_bytes(); held < bytes_; held += kStepBytes) {
    const uint64_t step = std::min(kStepBytes, bytes_ - held);
    if (posix_fallocate(file_.get(), static_cast<off_t>(held), static_cast<off_t>(step)) != 0) {
      // Some file systems leave the size of what they did not allocate.
      if (ftruncate(file_.get(), static_cast<off_t>(held)) != 0) GiveUp();
      return;
    }
  }
}

uint64_t DiskReserve::held_bytes() const {
  struct stat status = {};
  return file_ && fstat(file_.get(), &status) == 0 ? static_cast<uint64_t>(status.st_size) : 0;
}

}  // namespace vakt
