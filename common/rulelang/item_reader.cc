// SPDX-License-Identifier: Apache-2.0
#include "common/rulelang/item_reader.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "common/base/strings.h"
#include "common/base/text.h"
#include "common/rulelang/parser.h"
#include "common/rulelang/scanner.h"
#include "common/rulelang/transformers.h"

namespace vakt {
namespace {

struct FlagWord {
  std::string_view text;
  bool flag;
};
// As YAML 1.1 has them.
constexpr FlagWord kFlagWords[] = {{"true", true},   {"yes", true}, {"on", true},
                                   {"false", false}, {"no", false}, {"off", false}};

}  // namespace

ItemReader::ItemReader(const YamlNode& node, std::string_view kind, const SourceFile& file,
                       Diagnostics* diagnostics)
    : node_(node), kind_(kind), file_(file), diagnostics_(diagnostics) {}

SourcePosition ItemReader::PositionOf(const YamlNode& node) const {
  SourcePosition position = node.position;
  position.file = file_.file();
  return position;
}

bool ItemReader::Error(const YamlNode& at, std::string message) const {
  diagnostics_->Error(kErrYamlValidate, label(), PositionOf(at), std::move(message));
  return false;
}

bool ItemReader::Conflict(const YamlNode& at, std::string message) const {
  diagnostics_->Error(kErrValidate, label(), PositionOf(at), std::move(message));
  return false;
}

void ItemReader::Warning(std::string_view code, const YamlNode& at, std::string message) const {
  diagnostics_->Warning(code, label(), PositionOf(at), std::move(message));
}

bool ItemReader::ReadName() {
  if (!Text(kind_, &name_)) return false;
  if (!name_.empty()) return true;
  return Error(node_, StrCat("a ", kind_, " needs a name: write `", kind_, ": name`"));
}

bool ItemReader::Text(std::string_view key, std::string* out) const {
  const YamlNode* value = Find(key);
  if (value == nullptr) return true;
  if (value->is_null()) {
    out->clear();
    return true;
  }
  if (!value->is_scalar()) return Error(*value, StrCat("`", key, "` must be a text"));
  *out = value->text;
  return true;
}

bool ItemReader::Condition(std::string_view key, SourceText* out) const {
  std::string text;
  const YamlNode* value = Find(key);
  if (value == nullptr) return true;
  if (!Text(key, &text)) return false;
  *out = SourceText::FromScalar(file_, value->position, text);
  return true;
}

SourceText ItemReader::TextAt(const YamlNode& scalar) const {
  return SourceText::FromScalar(file_, scalar.position, scalar.text);
}

bool ItemReader::Flag(std::string_view key, bool* out) const {
  const YamlNode* value = Find(key);
  if (value == nullptr) return true;
  for (const FlagWord& word : kFlagWords) {
    if (!value->is_scalar() || !absl::EqualsIgnoreCase(value->text, ToAbsl(word.text))) continue;
    *out = word.flag;
    return true;
  }
  return Error(*value, StrCat("`", key, "` must be true or false"));
}

bool ItemReader::Texts(std::string_view key, std::vector<std::string>* out) const {
  const YamlNode* value = Find(key);
  if (value == nullptr || value->is_null()) return true;
  if (!value->is_sequence()) return Error(*value, StrCat("`", key, "` must be a sequence"));
  for (const YamlNode& element : value->items) {
    if (!element.is_scalar()) {
      return Error(element, StrCat("the elements of `", key, "` must be texts"));
    }
    out->push_back(element.text);
  }
  return true;
}

void ItemReader::WarnOfKeysNotIn(absl::Span<const std::string_view> known) const {
  for (const YamlEntry& entry : node_.entries) {
    const std::string& key = entry.key.text;
    if (entry.key.is_scalar() && std::find(known.begin(), known.end(), key) == known.end()) {
      Warning(kUnknownKey, entry.key,
              StrCat("`", EscapeUtf8(key), "` is no key of a ", kind_, " and is ignored"));
    } else if (Find(key) != &entry.value) {
      Warning(kUnknownKey, entry.key,
              StrCat("`", EscapeUtf8(key), "` appears twice; the first one counts"));
    }
  }
}

bool ReadOverride(const ItemReader& item, absl::Span<const OverrideRow> rows,
                  std::vector<OverrideEntry>* entries) {
  const YamlNode* override_node = item.Find("override");
  if (override_node == nullptr) return true;
  if (!override_node->is_mapping()) {
    return item.Error(*override_node, "`override` must map keys to append or replace");
  }
  if (item.Has("append")) {
    return item.Error(*override_node, "`append` and `override` exclude each other; keep one");
  }
  for (const YamlEntry& entry : override_node->entries) {
    const auto row = std::find_if(rows.begin(), rows.end(),
                                  [&](const OverrideRow& r) { return r.key == entry.key.text; });
    if (row == rows.end()) {
      return item.Error(entry.key,
                        StrCat("`", EscapeUtf8(entry.key.text), "` cannot be overridden"));
    }
    const bool append = entry.value.text == "append";
    if (!append && entry.value.text != "replace") {
      return item.Error(entry.value, StrCat("write `", row->key, ": append` or `", row->key,
                                            ": replace` in `override`"));
    }
    if (append && !row->may_append) {
      return item.Error(entry.value, StrCat("`", row->key, "` can be replaced, not appended to"));
    }
    if (!item.Has(row->key)) {
      return item.Error(entry.key,
                        StrCat("`override` names `", row->key, "`, which the item does not have"));
    }
    entries->push_back({row->key, append ? Change::kAppend : Change::kReplace});
  }
  for (const OverrideRow& row : rows) {
    const bool named = std::any_of(entries->begin(), entries->end(),
                                   [&](const OverrideEntry& e) { return e.key == row.key; });
    if (item.Has(row.key) && !named) {
      return item.Error(*item.Find(row.key), StrCat("`", row.key, "` must be named in `override`"));
    }
  }
  return true;
}

std::string AsConditionText(std::string_view text) {
  if (text.empty()) return "\"\"";
  if (text[0] == '"' || text[0] == '\'') return std::string(text);
  Scanner scan(text);
  const std::string_view word = scan.TakeWord();
  const bool is_call = scan.current() == '(' && text.back() == ')' &&
                       text.find(' ') == std::string_view::npos &&
                       (word == "val" || FindTransformer(word) != nullptr);
  if (is_call) return std::string(text);
  scan.set_offset(0);
  scan.TakeBareText();
  if (scan.at_end()) return std::string(text);
  const std::string quoted = StrCat("\"", text, "\"");
  return Unquote(quoted).has_value() ? quoted : Quote(text);
}

}  // namespace vakt
