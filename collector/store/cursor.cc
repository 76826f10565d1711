// SPDX-License-Identifier: Apache-2.0
#include "collector/store/cursor.h"

#include <charconv>

#include "absl/status/status.h"
#include "common/base/strings.h"
#include "common/base/text.h"

namespace vakt {
namespace {

constexpr size_t kMaxCursorBytes = 64;

}  // namespace

std::string FormatCursor(std::string_view store_id, int64_t record_id) {
  return StrCat(store_id, ".", record_id);
}

absl::StatusOr<int64_t> ParseCursor(std::string_view store_id, std::string_view cursor) {
  const size_t dot = cursor.find('.');
  if (dot != std::string_view::npos && cursor.size() <= kMaxCursorBytes) {
    const std::string_view digits = cursor.substr(dot + 1);
    int64_t id = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), id);
    if (error == std::errc() && end == digits.data() + digits.size() && id >= 0) {
      if (cursor.substr(0, dot) == store_id) return id;
      return absl::FailedPreconditionError(StrCat(
          "cursor \"", EscapeUtf8(cursor),
          "\" belongs to another store than this collector's: start again without a cursor"));
    }
  }
  return absl::InvalidArgumentError(StrCat("\"", EscapeUtf8(cursor.substr(0, kMaxCursorBytes)),
                                           "\" is not a cursor of this service"));
}

}  // namespace vakt
