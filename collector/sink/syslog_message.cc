// SPDX-License-Identifier: Apache-2.0
#include "collector/sink/syslog_message.h"

#include <algorithm>

#include "absl/time/time.h"
#include "common/alert/falco_json.h"
#include "common/base/strings.h"
#include "common/base/text.h"

namespace vakt {
namespace {

struct FacilityRow {
  std::string_view name;
  int number;
};
constexpr FacilityRow kFacilities[] = {
    {"kern", 0},      {"user", 1},    {"daemon", 3},  {"auth", 4},    {"syslog", 5},
    {"authpriv", 10}, {"local0", 16}, {"local1", 17}, {"local2", 18}, {"local3", 19},
    {"local4", 20},   {"local5", 21}, {"local6", 22}, {"local7", 23},
};

constexpr size_t kMaxHostname = 255;
constexpr size_t kMaxMessageId = 32;
constexpr int kDebug = 7;

// Printable ASCII without space, of the length that the header allows; "-" for nothing.
std::string HeaderField(std::string_view text, size_t max_bytes) {
  std::string out(text.substr(0, max_bytes));
  std::replace_if(
      out.begin(), out.end(), [](char c) { return c < '!' || c > '~'; }, '_');
  return out.empty() ? "-" : out;
}

// Section 6.3.3: '"', '\' and ']' are escaped by a backslash.
std::string ParamValue(std::string_view text) {
  std::string out;
  for (const char c : EscapeUtf8(text)) {
    if (c == '"' || c == '\\' || c == ']') out += '\\';
    out += c;
  }
  return out;
}

// Section 6.2.3: at most six digits below the second.
std::string Timestamp(const google::protobuf::Timestamp& time) {
  const absl::Time moment = absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos());
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E6SZ", moment, absl::UTCTimeZone());
}

}  // namespace

int SyslogFacility(std::string_view name) {
  for (const auto& [known, number] : kFacilities) {
    if (known == name) return number;
  }
  return -1;
}

std::string SyslogMessage(const v1::StoredRecord& record, int facility, bool as_text) {
  const v1::Alert& alert = record.record().alert();
  const int severity = std::clamp(static_cast<int>(alert.priority()), 0, kDebug);
  // 32473 is the enterprise number that RFC 5612 sets aside; Vakt has none of its own.
  std::string out =
      StrCat("<", facility * 8 + severity, ">1 ", Timestamp(alert.time()), " ",
             HeaderField(record.node(), kMaxHostname), " vakt - ",
             HeaderField(alert.rule(), kMaxMessageId), " [vakt@32473 rule=\"",
             ParamValue(alert.rule()), "\" uid=\"", ParamValue(alert.uid()), "\" node=\"",
             ParamValue(record.node()), "\" cluster=\"", ParamValue(record.cluster()), "\"] ");
  if (as_text) return out + EscapeUtf8(alert.output());
  AppendFalcoJson(alert, &out);
  return out;
}

std::string SyslogFrame(std::string_view message) { return StrCat(message.size(), " ", message); }

}  // namespace vakt
