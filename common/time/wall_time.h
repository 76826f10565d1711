// SPDX-License-Identifier: Apache-2.0
// Wall time as nanoseconds since 1970 in an int64 (until the year 2262), to and from protobuf.
// Threads: thread-safe.
#ifndef VAKT_COMMON_TIME_WALL_TIME_H_
#define VAKT_COMMON_TIME_WALL_TIME_H_

#include <google/protobuf/timestamp.pb.h>

#include <cstdint>

namespace vakt {

inline constexpr int64_t kNsPerSecond = 1'000'000'000;

// Times that an int64 cannot hold become its nearest end.
int64_t ToWallNs(const google::protobuf::Timestamp& time);
void FromWallNs(int64_t wall_ns, google::protobuf::Timestamp* out);

}  // namespace vakt

#endif  // VAKT_COMMON_TIME_WALL_TIME_H_
