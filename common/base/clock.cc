// SPDX-License-Identifier: Apache-2.0
#include "common/base/clock.h"

#include <time.h>

namespace vakt {
namespace {

int64_t NowNs(clockid_t id) {
  timespec now{};
  clock_gettime(id, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

class KernelClock final : public Clock {
 public:
  int64_t BootNs() const override { return NowNs(CLOCK_BOOTTIME); }
  int64_t WallNs() const override { return NowNs(CLOCK_REALTIME); }
};

}  // namespace

Clock& RealClock() {
  static KernelClock clock;
  return clock;
}

}  // namespace vakt
