// SPDX-License-Identifier: Apache-2.0
#include "agent/flow/segments.h"

#include <algorithm>
#include <optional>

#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/base/text.h"
#include "common/rulelang/yaml_reader.h"

namespace vakt {
namespace {

// Says where; the path is put in front by Parse.
absl::Status At(const YamlNode& node, std::string_view what) {
  return absl::InvalidArgumentError(StrCat(node.position.line, ": ", what));
}

absl::Status ReadNames(const YamlNode& list, std::vector<std::string>* names) {
  if (!list.is_sequence()) return At(list, "expected a list");
  for (const YamlNode& item : list.items) {
    if (!item.is_scalar() || item.text.empty()) return At(item, "expected a name");
    names->push_back(EscapeUtf8(item.text));
  }
  return absl::OkStatus();
}

absl::Status ReadBlocks(const YamlNode& list, std::vector<AddressBlock>* blocks) {
  if (!list.is_sequence()) return At(list, "expected a list of blocks");
  for (const YamlNode& item : list.items) {
    std::optional<AddressBlock> block = ParseAddressBlock(item.text);
    if (!block.has_value()) {
      return At(item, StrCat("\"", EscapeUtf8(item.text), "\" is no block such as 10.0.0.0/8"));
    }
    blocks->push_back(*std::move(block));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Segments> Segments::Parse(std::string_view path, std::string_view yaml) {
  Segments out;
  const auto read_segment = [&](const YamlNode& item) -> absl::Status {
    if (!item.is_mapping()) return At(item, "expected {name, namespaces, blocks}");
    Segment segment;
    for (const YamlEntry& entry : item.entries) {
      const std::string& key = entry.key.text;
      if (key == "name") {
        segment.name = EscapeUtf8(entry.value.text);
      } else if (key == "namespaces") {
        VAKT_RETURN_IF_ERROR(ReadNames(entry.value, &segment.namespaces));
      } else if (key == "blocks") {
        VAKT_RETURN_IF_ERROR(ReadBlocks(entry.value, &segment.blocks));
      } else {
        return At(entry.key, "a segment has name, namespaces and blocks");
      }
    }
    if (segment.name.empty()) return At(item, "the segment has no name");
    out.segments_.push_back(std::move(segment));
    return absl::OkStatus();
  };
  const auto read_pair = [&](const YamlNode& item) -> absl::Status {
    std::vector<std::string> names;
    VAKT_RETURN_IF_ERROR(ReadNames(item, &names));
    if (names.size() != 2) return At(item, "expected two segments that are apart");
    for (const std::string& name : names) {
      const bool is_known = std::any_of(out.segments_.begin(), out.segments_.end(),
                                        [&](const Segment& s) { return s.name == name; });
      if (!is_known) return At(item, StrCat("there is no segment ", name));
    }
    out.apart_.emplace_back(names[0], names[1]);
    return absl::OkStatus();
  };
  const auto read = [&]() -> absl::Status {
    YamlError error;
    const std::vector<YamlNode> documents = ReadYaml(yaml, YamlLimits{}, &error);
    if (!error.message.empty()) {
      return absl::InvalidArgumentError(
          StrCat(error.position.line, ": ", EscapeUtf8(error.message)));
    }
    if (documents.size() != 1 || !documents[0].is_mapping()) {
      return absl::InvalidArgumentError("1: expected segments: and apart:");
    }
    for (const YamlEntry& entry : documents[0].entries) {
      const bool is_segments = entry.key.text == "segments";
      if (!is_segments && entry.key.text != "apart") {
        return At(entry.key, "expected segments: or apart:");
      }
      if (!entry.value.is_sequence()) return At(entry.value, "expected a list");
      for (const YamlNode& item : entry.value.items) {
        VAKT_RETURN_IF_ERROR(is_segments ? read_segment(item) : read_pair(item));
      }
    }
    return absl::OkStatus();
  };
  if (const absl::Status status = read(); !status.ok()) {
    return absl::InvalidArgumentError(StrCat(EscapeUtf8(path), ":", Message(status)));
  }
  return out;
}

std::string_view Segments::Find(std::string_view name_space, std::string_view address) const {
  for (const Segment& segment : segments_) {
    const auto& names = segment.namespaces;
    if (!name_space.empty() && std::find(names.begin(), names.end(), name_space) != names.end()) {
      return segment.name;
    }
  }
  for (const Segment& segment : segments_) {
    const bool holds = std::any_of(segment.blocks.begin(), segment.blocks.end(),
                                   [&](const AddressBlock& b) { return b.Contains(address); });
    if (holds) return segment.name;
  }
  return {};
}

bool Segments::Apart(std::string_view a, std::string_view b) const {
  return std::any_of(apart_.begin(), apart_.end(), [&](const auto& pair) {
    return (pair.first == a && pair.second == b) || (pair.first == b && pair.second == a);
  });
}

}  // namespace vakt
