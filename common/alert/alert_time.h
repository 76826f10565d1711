// SPDX-License-Identifier: Apache-2.0
// Times as alerts print them: UTC, nine digits below the second. Threads: pure functions.
#ifndef VAKT_COMMON_ALERT_ALERT_TIME_H_
#define VAKT_COMMON_ALERT_ALERT_TIME_H_

#include <string>

#include "google/protobuf/timestamp.pb.h"

namespace vakt {

// "2026-05-04T15:04:05.000000000Z"
std::string Rfc3339(const google::protobuf::Timestamp& time);
// "15:04:05.000000000"
std::string TimeOfDay(const google::protobuf::Timestamp& time);

}  // namespace vakt

#endif  // VAKT_COMMON_ALERT_ALERT_TIME_H_
