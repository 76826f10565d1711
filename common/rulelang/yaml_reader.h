// SPDX-License-Identifier: Apache-2.0
// YAML text to a plain tree of nodes with positions. The text is untrusted: aliases are refused (so
// that nothing expands), size, depth and number of nodes are bounded, and yaml-cpp's exceptions end
// here.
//
// Ownership: nodes own their children and text. Threads: thread-safe.
#ifndef VAKT_COMMON_RULELANG_YAML_READER_H_
#define VAKT_COMMON_RULELANG_YAML_READER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/rulelang/source_position.h"

namespace vakt {

struct YamlEntry;

struct YamlNode {
  enum class Kind : uint8_t { kNull, kScalar, kSequence, kMapping };

  Kind kind = Kind::kNull;
  bool quoted = false;  // kScalar: written in quotes or as a block
  SourcePosition position;
  std::string text;                // kScalar
  std::vector<YamlNode> items;     // kSequence
  std::vector<YamlEntry> entries;  // kMapping, in the order of the file

  bool is_null() const { return kind == Kind::kNull; }
  bool is_scalar() const { return kind == Kind::kScalar; }
  bool is_sequence() const { return kind == Kind::kSequence; }
  bool is_mapping() const { return kind == Kind::kMapping; }
  // The value of the first entry whose key is this scalar, or null.
  const YamlNode* Find(std::string_view key) const;
};

struct YamlEntry {
  YamlNode key;
  YamlNode value;
};

struct YamlLimits {
  size_t max_bytes = size_t{16} << 20;
  size_t max_nodes = 400'000;  // 10,000 rules have some 200,000
  size_t max_depth = 64;
};

struct YamlError {
  std::string message;  // empty: no error
  SourcePosition position;
};

// The documents of `text`, in order; an empty text has none. On an error *error is set and what was
// read before it is returned.
std::vector<YamlNode> ReadYaml(std::string_view text, const YamlLimits& limits, YamlError* error);

}  // namespace vakt

#endif  // VAKT_COMMON_RULELANG_YAML_READER_H_
