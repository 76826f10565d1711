// SPDX-License-Identifier: Apache-2.0
#include "agent/correlate/event_key.h"

#include "common/base/sha256.h"
#include "common/base/strings.h"
#include "common/rulelang/output_format.h"

namespace vakt {
namespace {

// Each value is a byte with its length, then the value; null is this length.
constexpr unsigned char kNull = 255;
constexpr size_t kHashBytes = 16;
static_assert(kMaxKeyValueBytes < kNull);

void AppendValue(std::string text, std::string* key) {
  if (text.size() > kMaxKeyValueBytes) {
    const std::string hash = ToHex(Sha256(text)).substr(0, kHashBytes);
    text.resize(kMaxKeyValueBytes - kHashBytes - 1);
    text += StrCat("#", hash);
  }
  key->push_back(static_cast<char>(text.size()));
  key->append(text);
}

}  // namespace

void MakeEventKey(const std::vector<Operand>& by, const Event& event, Extractor& scratch,
                  std::string* key) {
  key->clear();
  for (const Operand& operand : by) {
    scratch.Reset();
    ExtractOperand(operand, event, scratch);
    if (scratch.values().empty()) {
      key->push_back(static_cast<char>(kNull));
      continue;
    }
    std::string text;
    for (const Value& value : scratch.values()) {
      if (!text.empty()) text += ' ';
      text += ValueText(value);
    }
    AppendValue(std::move(text), key);
  }
}

std::vector<std::optional<std::string>> ValuesOfKey(std::string_view key) {
  std::vector<std::optional<std::string>> values;
  while (!key.empty()) {
    const auto size = static_cast<unsigned char>(key.front());
    key.remove_prefix(1);
    if (size == kNull) {
      values.emplace_back();
      continue;
    }
    values.emplace_back(key.substr(0, size));
    key.remove_prefix(size);
  }
  return values;
}

}  // namespace vakt
