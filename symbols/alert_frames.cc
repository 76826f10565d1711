// SPDX-License-Identifier: Apache-2.0
#include "symbols/alert_frames.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "common/base/status.h"
#include "common/base/strings.h"

namespace vakt {
namespace {

using nlohmann::json;

constexpr size_t kBuildIdDigits = 40;
constexpr size_t kMostFrames = 1024;  // far more than an agent takes

// The member, or null (a value, not a pointer) when `object` has none.
const json& Member(const json& object, const char* name) {
  static const json none;
  if (!object.is_object()) return none;
  const auto member = object.find(name);
  return member == object.end() ? none : *member;
}

absl::StatusOr<Frame> FrameOf(const json& item) {
  const json& offset = Member(item, "offset");
  if (!offset.is_number_unsigned()) {
    return absl::InvalidArgumentError("a frame of the stack has no offset");
  }
  Frame frame{.build_id = "", .offset = offset.get<uint64_t>()};
  const json& build_id = Member(item, "build_id");
  if (build_id.is_string() && !build_id.get_ref<const std::string&>().empty()) {
    VAKT_ASSIGN_OR_RETURN(frame.build_id, ParseBuildId(build_id.get_ref<const std::string&>()));
  }
  return frame;
}

}  // namespace

absl::StatusOr<std::string> ParseBuildId(std::string_view text) {
  std::string id;
  for (const char c : text) {
    const char lower = c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
    const bool is_digit = (lower >= '0' && lower <= '9') || (lower >= 'a' && lower <= 'f');
    if (!is_digit) return absl::InvalidArgumentError("a build id has hex digits alone");
    id.push_back(lower);
  }
  if (id.empty() || id.size() % 2 != 0 || id.size() > kBuildIdDigits) {
    return absl::InvalidArgumentError(
        StrCat("a build id has up to ", kBuildIdDigits, " hex digits, two a byte"));
  }
  id.resize(kBuildIdDigits, '0');
  return id;
}

absl::StatusOr<std::vector<Frame>> FramesOfAlert(std::string_view text) {
  const json alert = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!alert.is_object()) {
    return absl::InvalidArgumentError(
        "the input is no JSON object; it wants what `vaktctl alerts get UID --output json` prints");
  }
  const json& event = Member(alert, "event").is_object() ? Member(alert, "event") : alert;
  const json& stack = Member(event, "user_stack");
  if (!stack.is_object()) {
    return absl::NotFoundError(
        "the alert has no stack: its event is of a kind without one, or the agent runs with "
        "--user-stacks off");
  }
  const json& items = Member(stack, "frames");
  if (!items.is_array() || items.size() > kMostFrames) {
    return absl::InvalidArgumentError("the stack's frames are no list of frames");
  }
  std::vector<Frame> frames;
  for (const json& item : items) {
    VAKT_ASSIGN_OR_RETURN(Frame frame, FrameOf(item));
    frames.push_back(std::move(frame));
  }
  return frames;
}

}  // namespace vakt
