// SPDX-License-Identifier: Apache-2.0
#include "common/base/process.h"

#include <malloc.h>
#include <sys/resource.h>

#include "absl/synchronization/mutex.h"

namespace vakt {

void DisableMutexChecks() { absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore); }

void GiveLargeMemoryBack() {
  constexpr int kLargeBytes = 128 << 10;  // glibc's own, which it raises unless it is set
  mallopt(M_MMAP_THRESHOLD, kLargeBytes);
}

uint64_t RaiseFileLimit() {
  rlimit files = {};
  if (getrlimit(RLIMIT_NOFILE, &files) != 0) return 0;
  const rlim_t had = files.rlim_cur;
  files.rlim_cur = files.rlim_max;
  return setrlimit(RLIMIT_NOFILE, &files) == 0 ? files.rlim_max : had;
}

}  // namespace vakt
