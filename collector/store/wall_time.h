// SPDX-License-Identifier: Apache-2.0
// Wall time as nanoseconds since 1970 in an int64 (until the year 2262), to and from protobuf.
// Threads: thread-safe.
#ifndef VAKT_COLLECTOR_STORE_WALL_TIME_H_
#define VAKT_COLLECTOR_STORE_WALL_TIME_H_

#include <google/protobuf/timestamp.pb.h>

#include <cstdint>
#include <limits>

namespace vakt {

inline constexpr int64_t kNsPerSecond = 1'000'000'000;

// Times that an int64 cannot hold become its nearest end.
inline int64_t ToWallNs(const google::protobuf::Timestamp& time) {
  int64_t ns = 0;
  if (__builtin_mul_overflow(time.seconds(), kNsPerSecond, &ns) ||
      __builtin_add_overflow(ns, int64_t{time.nanos()}, &ns)) {
    return time.seconds() < 0 ? std::numeric_limits<int64_t>::min()
                              : std::numeric_limits<int64_t>::max();
  }
  return ns;
}

inline void FromWallNs(int64_t wall_ns, google::protobuf::Timestamp* out) {
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

#endif  // VAKT_COLLECTOR_STORE_WALL_TIME_H_
