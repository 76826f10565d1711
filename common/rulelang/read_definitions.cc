// SPDX-License-Identifier: Apache-2.0
#include "common/rulelang/read_definitions.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/ascii.h"
#include "common/base/strings.h"
#include "common/base/text.h"
#include "common/rulelang/parser.h"
#include "common/rulelang/scanner.h"

namespace vakt {
namespace {

constexpr std::string_view kListKeys[] = {"list", "items", "append", "override"};
constexpr std::string_view kMacroKeys[] = {"macro", "condition", "append", "override"};
constexpr OverrideRow kListOverrides[] = {{"items", true}};
constexpr OverrideRow kMacroOverrides[] = {{"condition", true}};

// What `append` or `override` of a list or macro asks; `append: false` defines anew.
bool ReadChange(const ItemReader& item, absl::Span<const OverrideRow> rows, Change* change) {
  std::vector<OverrideEntry> entries;
  if (!ReadOverride(item, rows, &entries)) return false;
  *change = entries.empty() ? Change::kDefine : entries.front().change;
  if (const YamlNode* node = item.Find("append")) {
    bool append = false;
    if (!item.Flag("append", &append)) return false;
    item.Warning(kDeprecatedItem, *node,
                 "`append` is deprecated; write `override` with `append` instead");
    if (append) *change = Change::kAppend;
  }
  return true;
}

bool Undefined(const ItemReader& item, std::string_view kind) {
  return item.Conflict(item.node(), StrCat("there is no ", kind,
                                           " of this name to append to; "
                                           "define it first, or in an earlier file"));
}

// Quotes that are part of the item's text are quotes of the language: '"(systemd)"'.
AstValue ListItem(const ItemReader& item, const YamlNode& node) {
  AstValue value;
  value.position = item.PositionOf(node);
  const std::string text = AsConditionText(node.text);
  if (std::optional<std::string> unquoted = Unquote(text)) {
    value.text = *std::move(unquoted);
    value.quoted = true;
  } else {
    value.text = node.text;
  }
  return value;
}

void ReadList(const ItemReader& item, Definitions* definitions) {
  item.WarnOfKeysNotIn(kListKeys);
  Change change = Change::kDefine;
  if (!ReadChange(item, kListOverrides, &change)) return;
  const YamlNode* items = item.Find("items");
  if (items == nullptr || !items->is_sequence()) {
    item.Error(items == nullptr ? item.node() : *items, "a list needs `items`, a sequence");
    return;
  }
  ListDefinition list;
  list.name = item.name();
  list.position = item.position();
  for (const YamlNode& node : items->items) {
    if (!node.is_scalar()) {
      item.Error(node, "the items of a list must be texts or numbers");
      return;
    }
    list.items.push_back(ListItem(item, node));
  }
  Scanner scan(item.name());
  scan.TakeBareText();
  if (!scan.at_end()) {
    item.Warning(kInvalidListName, item.node(),
                 "no condition can name a list whose name holds blanks, quotes, parentheses, "
                 "commas or '='");
  }
  const uint32_t ordinal = ++definitions->last_ordinal;
  if (change != Change::kAppend) {
    definitions->lists.Put(std::move(list), ordinal);
    return;
  }
  ListDefinition* existing = definitions->lists.Find(item.name());
  if (existing == nullptr) {
    Undefined(item, "list");
    return;
  }
  existing->visible = ordinal;
  std::move(list.items.begin(), list.items.end(), std::back_inserter(existing->items));
}

void ReadMacro(const ItemReader& item, Definitions* definitions) {
  item.WarnOfKeysNotIn(kMacroKeys);
  Change change = Change::kDefine;
  if (!ReadChange(item, kMacroOverrides, &change)) return;
  MacroDefinition macro;
  macro.name = item.name();
  macro.position = item.position();
  if (!item.Condition("condition", &macro.condition)) return;
  if (macro.condition.text().empty()) {
    item.Error(item.node(), "a macro needs a `condition`");
    return;
  }
  Scanner scan(item.name());
  scan.TakeWord();
  if (!scan.at_end()) {
    item.Warning(kInvalidMacroName, item.node(),
                 "no condition can name this macro: a macro's name is letters, digits and '_', "
                 "a letter first");
  }
  const uint32_t ordinal = ++definitions->last_ordinal;
  if (change != Change::kAppend) {
    definitions->macros.Put(std::move(macro), ordinal);
    return;
  }
  MacroDefinition* existing = definitions->macros.Find(item.name());
  if (existing == nullptr) {
    Undefined(item, "macro");
    return;
  }
  existing->visible = ordinal;
  existing->condition.Append(macro.condition);
}

// Kinds of items, by the key that tells them, in the order of precedence.
struct ItemKind {
  std::string_view key;
  void (*read)(const ItemReader& item, Definitions* definitions);
  int FileResult::*count;
};
constexpr std::array<ItemKind, 3> kItemKinds = {{
    {"list", ReadList, &FileResult::lists},
    {"macro", ReadMacro, &FileResult::macros},
    {"rule", ReadRule, &FileResult::rules},
}};

void ReadItem(const YamlNode& node, const SourceFile& file, Definitions* definitions,
              Diagnostics* diagnostics, FileResult* result) {
  if (const YamlNode* value = node.Find("required_engine_version")) {
    ReadRequiredEngineVersion({node, "required_engine_version", file, diagnostics}, *value);
    return;
  }
  if (const YamlNode* value = node.Find("required_plugin_versions")) {
    ReadRequiredPluginVersions({node, "required_plugin_versions", file, diagnostics}, *value);
    return;
  }
  for (const ItemKind& kind : kItemKinds) {
    if (node.Find(kind.key) == nullptr) continue;
    ItemReader item(node, kind.key, file, diagnostics);
    ++(result->*kind.count);
    if (item.ReadName()) kind.read(item, definitions);
    return;
  }
  const ItemReader item(node, "", file, diagnostics);
  item.Warning(kUnknownItem, node, "neither a rule, a macro nor a list; ignored");
}

}  // namespace

void ReadDefinitions(const YamlNode& document, const SourceFile& file, Definitions* definitions,
                     Diagnostics* diagnostics, FileResult* result) {
  if (document.is_null()) return;
  const ItemReader whole(document, "", file, diagnostics);
  if (!document.is_sequence()) {
    whole.Error(document, "a rule file is a sequence of items: `- rule: ...`");
    return;
  }
  for (const YamlNode& node : document.items) {
    if (node.is_null()) continue;
    if (!node.is_mapping()) {
      whole.Error(node, "an item is a mapping: `- rule: ...`, `- macro: ...` or `- list: ...`");
      continue;
    }
    ReadItem(node, file, definitions, diagnostics, result);
  }
}

}  // namespace vakt
