// SPDX-License-Identifier: Apache-2.0
#include "common/alert/alert_time.h"

#include "absl/time/time.h"

namespace vakt {
namespace {

std::string Format(const char* format, const google::protobuf::Timestamp& time) {
  const absl::Time moment = absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos());
  return absl::FormatTime(format, moment, absl::UTCTimeZone());
}

}  // namespace

std::string Rfc3339(const google::protobuf::Timestamp& time) {
  return Format("%Y-%m-%dT%H:%M:%E9SZ", time);
}

std::string TimeOfDay(const google::protobuf::Timestamp& time) {
  return Format("%H:%M:%E9S", time);
}

}  // namespace vakt
