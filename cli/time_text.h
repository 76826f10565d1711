// SPDX-License-Identifier: Apache-2.0
// Times as people type and read them. Threads: thread-safe.
#ifndef VAKT_CLI_TIME_TEXT_H_
#define VAKT_CLI_TIME_TEXT_H_

#include <google/protobuf/timestamp.pb.h>

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace vakt {

// "90s", "1h30m", "7d": a number and unit (d, h, m, s, ms), or several; not negative.
absl::StatusOr<absl::Duration> ParseSpan(std::string_view text);

// RFC 3339 ("2026-01-31T08:00:00Z"), a day ("2026-01-31", from midnight UTC), "now", or a span
// before `now` ("15m").
absl::StatusOr<absl::Time> ParseMoment(std::string_view text, absl::Time now);

google::protobuf::Timestamp ToTimestamp(absl::Time time);
absl::Time FromTimestamp(const google::protobuf::Timestamp& timestamp);

// RFC 3339 in UTC with nanoseconds: "2026-01-31T08:00:00.000000001Z".
std::string TimestampText(const google::protobuf::Timestamp& timestamp);

// Two units at most, for people: "3d 4h", "2m 5s", "0s".
std::string RoughSpan(absl::Duration span);

}  // namespace vakt

#endif  // VAKT_CLI_TIME_TEXT_H_
