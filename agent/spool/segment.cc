// SPDX-License-Identifier: Apache-2.0
#include "agent/spool/segment.h"

#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"

namespace vakt {

std::string SegmentPath(const std::string& dir, SegmentName name) {
  if (name.generation == 0) return absl::StrFormat("%s/%020d.seg", dir, name.number);
  return absl::StrFormat("%s/%020d.%d.seg", dir, name.number, name.generation);
}

std::optional<SegmentName> ParseSegmentName(const std::string& file_name) {
  const std::vector<std::string> parts = absl::StrSplit(file_name, '.');
  SegmentName name;
  if (parts.size() < 2 || parts.size() > 3 || parts.back() != "seg") return std::nullopt;
  if (!absl::SimpleAtoi(parts[0], &name.number)) return std::nullopt;
  if (parts.size() == 3 && !absl::SimpleAtoi(parts[1], &name.generation)) return std::nullopt;
  return name;
}

}  // namespace vakt
