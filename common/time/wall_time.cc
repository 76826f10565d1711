// SPDX-License-Identifier: Apache-2.0
#include "common/time/wall_time.h"

#include <limits>

namespace vakt {

int64_t ToWallNs(const google::protobuf::Timestamp& time) {
  int64_t ns = 0;
  if (__builtin_mul_overflow(time.seconds(), kNsPerSecond, &ns) ||
      __builtin_add_overflow(ns, int64_t{time.nanos()}, &ns)) {
    return time.seconds() < 0 ? std::numeric_limits<int64_t>::min()
                              : std::numeric_limits<int64_t>::max();
  }
  return ns;
}

void FromWallNs(int64_t wall_ns, google::protobuf::Timestamp* out) {
  int64_t seconds = wall_ns / kNsPerSecond;
  int64_t nanos = wall_ns % kNsPerSecond;
  if (nanos < 0) {  // a Timestamp counts nanoseconds forward, also before 1970
    --seconds;
    nanos += kNsPerSecond;
  }
  out->set_seconds(seconds);
  out->set_nanos(static_cast<int32_t>(nanos));
}

}  // namespace vakt
