// SPDX-License-Identifier: Apache-2.0
#include "common/config/setting_value.h"

#include <limits>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/base/text.h"

namespace vakt {
namespace {

struct ByteUnit {
  std::string_view name;  // lower-case
  uint64_t bytes;
};

constexpr ByteUnit kByteUnits[] = {
    {"", 1},
    {"b", 1},
    {"k", uint64_t{1} << 10},
    {"kib", uint64_t{1} << 10},
    {"m", uint64_t{1} << 20},
    {"mib", uint64_t{1} << 20},
    {"g", uint64_t{1} << 30},
    {"gib", uint64_t{1} << 30},
    {"t", uint64_t{1} << 40},
    {"tib", uint64_t{1} << 40},
};

absl::Status NotA(std::string_view text, std::string_view what) {
  return absl::InvalidArgumentError(StrCat("'", EscapeUtf8(text), "' is not ", what));
}

absl::Status CheckChoice(const SettingRow& row, std::string_view text) {
  for (absl::string_view choice : absl::StrSplit(ToAbsl(row.choices), '|')) {
    if (ToStd(choice) == text) return absl::OkStatus();
  }
  return NotA(text, StrCat("one of ", row.choices));
}

// The row's value as a number that can be compared with its least one.
absl::StatusOr<double> Magnitude(SettingType type, std::string_view text) {
  if (type == SettingType::kDuration) {
    VAKT_ASSIGN_OR_RETURN(absl::Duration value, ParseDuration(text));
    return absl::ToDoubleSeconds(value);
  }
  VAKT_ASSIGN_OR_RETURN(uint64_t value,
                        type == SettingType::kBytes ? ParseBytes(text) : ParseUint(text));
  return static_cast<double>(value);
}

absl::Status CheckMagnitude(const SettingRow& row, std::string_view text) {
  VAKT_ASSIGN_OR_RETURN(double value, Magnitude(row.type, text));
  if (row.at_least.empty()) return absl::OkStatus();
  VAKT_ASSIGN_OR_RETURN(double least, Magnitude(row.type, row.at_least));
  if (value >= least) return absl::OkStatus();
  return absl::InvalidArgumentError(StrCat(text, " is too small: at least ", row.at_least));
}

}  // namespace

absl::StatusOr<uint64_t> ParseUint(std::string_view text) {
  uint64_t value = 0;
  const bool digits = !text.empty() && absl::ascii_isdigit(text[0]);
  if (!digits || !absl::SimpleAtoi(ToAbsl(text), &value)) {
    return NotA(text, "a whole number from 0 to 18446744073709551615");
  }
  return value;
}

absl::StatusOr<uint64_t> ParseBytes(std::string_view text) {
  constexpr std::string_view kForm = "a size such as 4096, 64KiB, 16MiB or 1GiB";
  const size_t end = std::min(text.find_first_not_of("0123456789"), text.size());
  const std::string unit_name = absl::AsciiStrToLower(ToAbsl(text.substr(end)));
  for (const ByteUnit& unit : kByteUnits) {
    if (unit.name != unit_name) continue;
    auto number = ParseUint(text.substr(0, end));
    if (!number.ok() || *number > std::numeric_limits<uint64_t>::max() / unit.bytes) break;
    return *number * unit.bytes;
  }
  return NotA(text, kForm);
}

absl::StatusOr<absl::Duration> ParseDuration(std::string_view text) {
  absl::Duration value;
  uint64_t days = 0;
  bool good = false;
  if (text.ends_with('d')) {  // absl stops at hours
    // 100,000 days: far below where a duration becomes infinite.
    good = absl::SimpleAtoi(ToAbsl(text.substr(0, text.size() - 1)), &days) && days <= 100'000;
    value = absl::Hours(24) * days;
  } else {
    good = absl::ParseDuration(ToAbsl(text), &value);
  }
  if (!good || value < absl::ZeroDuration() || value == absl::InfiniteDuration()) {
    return NotA(text, "a duration such as 10ms, 5s, 1h30m or 90d");
  }
  return value;
}

absl::StatusOr<bool> ParseBool(std::string_view text) {
  for (std::string_view yes : {"true", "yes", "on", "1"}) {
    if (text == yes) return true;
  }
  for (std::string_view no : {"false", "no", "off", "0"}) {
    if (text == no) return false;
  }
  return NotA(text, "true or false");
}

std::vector<std::string> SplitList(std::string_view text) {
  return absl::StrSplit(ToAbsl(text), ',', absl::SkipEmpty());
}

absl::Status CheckSettingValue(const SettingRow& row, std::string_view text) {
  switch (row.type) {
    case SettingType::kString:
    case SettingType::kPath:
    case SettingType::kList:
      return absl::OkStatus();
    case SettingType::kBool:
      return ParseBool(text).status();
    case SettingType::kUint:
    case SettingType::kBytes:
    case SettingType::kDuration:
      return CheckMagnitude(row, text);
    case SettingType::kEnum:
      return CheckChoice(row, text);
  }
  return absl::OkStatus();
}

}  // namespace vakt
