// SPDX-License-Identifier: Apache-2.0
#include "cli/time_text.h"

#include <array>
#include <cstdint>

#include "absl/strings/numbers.h"
#include "common/base/strings.h"
#include "common/base/text.h"

namespace vakt {
namespace {

constexpr std::string_view kDigits = "0123456789";

// Takes "<digits>d" off the front, which abseil does not know; zero when there is none.
absl::StatusOr<absl::Duration> TakeDays(std::string_view* text) {
  const size_t end = text->find_first_not_of(kDigits);
  if (end == 0 || end == std::string_view::npos || (*text)[end] != 'd') return absl::Duration();
  int64_t days = 0;
  if (!absl::SimpleAtoi(ToAbsl(text->substr(0, end)), &days)) {
    return absl::InvalidArgumentError("too many days");
  }
  text->remove_prefix(end + 1);
  return absl::Hours(24) * days;
}

}  // namespace

absl::StatusOr<absl::Duration> ParseSpan(std::string_view text) {
  const absl::Status wrong = absl::InvalidArgumentError(
      StrCat("\"", EscapeUtf8(text), "\" is no duration: give one as 90s, 15m, 1h30m or 7d"));
  std::string_view rest = text;
  const absl::StatusOr<absl::Duration> days = TakeDays(&rest);
  if (!days.ok()) return wrong;
  absl::Duration span;
  const bool only_days = rest.empty() && !text.empty();
  if (!only_days && !absl::ParseDuration(ToAbsl(rest), &span)) return wrong;
  span += *days;
  if (span < absl::ZeroDuration() || span == absl::InfiniteDuration()) return wrong;
  return span;
}

absl::StatusOr<absl::Time> ParseMoment(std::string_view text, absl::Time now) {
  if (text == "now") return now;
  absl::Time time;
  for (const char* format : {absl::RFC3339_full, "%Y-%m-%d"}) {
    std::string error;
    if (!absl::ParseTime(format, ToAbsl(text), absl::UTCTimeZone(), &time, &error)) continue;
    // abseil also takes "infinite-future".
    if (time != absl::InfiniteFuture() && time != absl::InfinitePast()) return time;
  }
  if (const absl::StatusOr<absl::Duration> span = ParseSpan(text); span.ok()) return now - *span;
  return absl::InvalidArgumentError(
      StrCat("\"", EscapeUtf8(text),
             "\" is no time: give one as 2026-01-31T08:00:00Z, 2026-01-31 or 15m"));
}

google::protobuf::Timestamp ToTimestamp(absl::Time time) {
  google::protobuf::Timestamp timestamp;
  const timespec parts = absl::ToTimespec(time);
  timestamp.set_seconds(parts.tv_sec);
  timestamp.set_nanos(static_cast<int32_t>(parts.tv_nsec));
  return timestamp;
}

absl::Time FromTimestamp(const google::protobuf::Timestamp& timestamp) {
  return absl::FromUnixSeconds(timestamp.seconds()) + absl::Nanoseconds(timestamp.nanos());
}

std::string TimestampText(const google::protobuf::Timestamp& timestamp) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E9SZ", FromTimestamp(timestamp), absl::UTCTimeZone());
}

std::string RoughSpan(absl::Duration span) {
  struct Unit {
    absl::Duration length;
    char letter;
  };
  constexpr int kUnits = 4;
  const std::array<Unit, kUnits> units = {{{absl::Hours(24), 'd'},
                                           {absl::Hours(1), 'h'},
                                           {absl::Minutes(1), 'm'},
                                           {absl::Seconds(1), 's'}}};
  for (int i = 0; i + 1 < kUnits; ++i) {
    if (span < units[i].length) continue;
    absl::Duration rest;
    const int64_t large = absl::IDivDuration(span, units[i].length, &rest);
    const int64_t small = absl::IDivDuration(rest, units[i + 1].length, &rest);
    return StrCat(large, std::string(1, units[i].letter), " ", small,
                  std::string(1, units[i + 1].letter));
  }
  return StrCat(absl::ToInt64Seconds(span), "s");
}

}  // namespace vakt
