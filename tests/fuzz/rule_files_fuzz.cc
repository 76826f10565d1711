// SPDX-License-Identifier: Apache-2.0
// The YAML loader: whatever the bytes of several rule files are, reading them stays within its
// bounds and loading them ends with a result that is true to itself. What the files define may be
// changed by later ones (override, append, exceptions), which condition_fuzz does not reach.
//
// The files are the input, split at lines "%%".
//
//   rule_files_fuzz -max_len=16384 -dict=tests/fuzz/rule_files.dict corpus/ rules/
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/strings.h"
#include "common/rulelang/load.h"
#include "common/rulelang/yaml_reader.h"

namespace vakt {
namespace {

constexpr std::string_view kSeparator = "\n%%\n";

void Expect(bool condition) {
  if (!condition) __builtin_trap();
}

std::vector<RuleFile> Split(std::string_view bytes) {
  std::vector<RuleFile> files;
  for (;;) {
    const size_t end = std::min(bytes.find(kSeparator), bytes.size());
    files.push_back({StrCat(files.size(), ".yaml"), std::string(bytes.substr(0, end)), {}});
    if (end == bytes.size()) return files;
    bytes.remove_prefix(end + kSeparator.size());
  }
}

struct Size {
  size_t nodes = 0;
  size_t depth = 0;
};

void Measure(const YamlNode& node, size_t depth, Size* size) {
  ++size->nodes;
  size->depth = std::max(size->depth, depth);
  for (const YamlNode& item : node.items) Measure(item, depth + 1, size);
  for (const YamlEntry& entry : node.entries) {
    Measure(entry.key, depth + 1, size);
    Measure(entry.value, depth + 1, size);
  }
}

// Small limits, so that they are reached.
void ReadWithinBounds(std::string_view text) {
  constexpr YamlLimits kLimits{.max_bytes = 4096, .max_nodes = 200, .max_depth = 8};
  YamlError error;
  const std::vector<YamlNode> documents = ReadYaml(text, kLimits, &error);
  Expect(text.size() <= kLimits.max_bytes || !error.message.empty());
  Size size;
  for (const YamlNode& document : documents) Measure(document, 1, &size);
  Expect(size.nodes <= kLimits.max_nodes);
  Expect(size.depth <= kLimits.max_depth + 1);
}

void CheckMessages(const FileResult& result, const RuleFile& file) {
  const auto lines = 1 + std::count(file.content.begin(), file.content.end(), '\n');
  // yaml-cpp counts a lone carriage return as a line's end, too.
  const auto returns = std::count(file.content.begin(), file.content.end(), '\r');
  for (const auto* messages : {&result.errors, &result.warnings}) {
    for (const LoadMessage& message : *messages) {
      Expect(message.code.starts_with("LOAD_") && !message.message.empty());
      Expect(message.line >= 0 && message.column >= 0 && message.line <= lines + returns + 1);
    }
  }
  Expect(result.ok == result.errors.empty());
}

}  // namespace
}  // namespace vakt

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::vector<vakt::RuleFile> files = vakt::Split(bytes);
  for (const vakt::RuleFile& file : files) vakt::ReadWithinBounds(file.content);
  const vakt::LoadResult result = vakt::LoadRules(files);
  vakt::Expect(result.ok == (result.rules != nullptr));
  vakt::Expect(result.files.size() == files.size());
  bool all_ok = true;
  for (size_t i = 0; i < files.size(); ++i) {
    vakt::CheckMessages(result.files[i], files[i]);
    all_ok &= result.files[i].ok;
  }
  vakt::Expect(result.ok == all_ok);
  return 0;
}
