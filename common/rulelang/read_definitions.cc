// SPDX-License-Identifier: Apache-2.0
#include "common/rulelang/read_definitions.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/ascii.h"
#include "common/base/file.h"
#include "common/base/sha256.h"
#include "common/base/status.h"
#include "common/base/strings.h"
#include "common/base/text.h"
#include "common/rulelang/item_set.h"
#include "common/rulelang/parser.h"
#include "common/rulelang/scanner.h"

namespace vakt {
namespace {

constexpr std::string_view kListKeys[] = {"list", "items", "items_file", "append", "override"};
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

// Beside the rule file or below: a rule file does not get to name any file of the machine.
bool IsBeside(std::string_view path) {
  return !path.empty() && path.front() != '/' && StrCat("/", path, "/").find("/../") == path.npos;
}

// Reads and parses the file once, however many lists name it. Null after an error.
const ItemFiles::Entry* LoadItems(const ItemReader& item, const YamlNode& at,
                                  const std::string& path, ItemFiles* files) {
  for (const ItemFiles::Entry& entry : files->entries) {
    if (entry.path == path) return &entry;
  }
  const absl::StatusOr<std::string> text = ReadFile(path, ItemSet::kMaxFileBytes);
  ItemFiles::Entry entry{.path = path};
  if (text.ok()) {
    entry.hash = ToHex(Sha256(*text));
    entry.file = ItemSet::Parse(*text);
    if (entry.file.set == nullptr) {
      item.Error(at, StrCat(EscapeUtf8(path), " has more than ", ItemSet::kMaxItems, " items"));
    }
  } else {
    item.Error(at, EscapeUtf8(Message(text.status())));
  }
  // Also what could not be read: it is to be looked at again when it changes.
  files->entries.push_back(std::move(entry));
  return files->entries.back().file.set == nullptr ? nullptr : &files->entries.back();
}

void WarnOfLeftOut(const ItemReader& item, const YamlNode& at, const ItemFiles::Entry& entry) {
  if (entry.file.left_out_count == 0) return;
  std::string lines;
  for (const int line : entry.file.left_out) {
    lines += StrCat(lines.empty() ? "" : ", ", EscapeUtf8(entry.path), ":", line);
  }
  item.Warning(
      kItemsLeftOut, at,
      StrCat(entry.file.left_out_count,
             " lines are neither a domain nor an address or a block of them, and are left "
             "out: ",
             lines, entry.file.left_out_count > entry.file.left_out.size() ? ", ..." : ""));
}

// The file's items, as one more item of the list.
bool ReadItemsFile(const ItemReader& item, Definitions* definitions, ListDefinition* list) {
  std::string name;
  if (!item.Text("items_file", &name)) return false;
  const YamlNode* node = item.Find("items_file");
  if (node == nullptr) return true;
  const auto index = static_cast<size_t>(item.position().file);
  if (!IsBeside(name) || index >= definitions->paths.size()) {
    return item.Error(*node, "items_file is a file beside the rule file, or in a directory below");
  }
  const std::string& rules = definitions->paths[index];
  const std::string path = StrCat(rules.substr(0, rules.rfind('/') + 1), name);
  const ItemFiles::Entry* entry = LoadItems(item, *node, path, &definitions->item_files);
  if (entry == nullptr) return false;
  WarnOfLeftOut(item, *node, *entry);
  AstValue value;
  value.text = StrCat("@", path, " ", entry->hash);
  value.quoted = true;
  value.position = item.PositionOf(*node);
  value.items = entry->file.set;
  list->items.push_back(std::move(value));
  return true;
}

void ReadList(const ItemReader& item, Definitions* definitions) {
  item.WarnOfKeysNotIn(kListKeys);
  Change change = Change::kDefine;
  if (!ReadChange(item, kListOverrides, &change)) return;
  const YamlNode* items = item.Find("items");
  if (items == nullptr ? !item.Has("items_file") : !items->is_sequence()) {
    item.Error(items == nullptr ? item.node() : *items, "a list needs `items`, a sequence");
    return;
  }
  ListDefinition list;
  list.name = item.name();
  list.position = item.position();
  for (const YamlNode& node : items == nullptr ? std::vector<YamlNode>() : items->items) {
    if (!node.is_scalar()) {
      item.Error(node, "the items of a list must be texts or numbers");
      return;
    }
    list.items.push_back(ListItem(item, node));
  }
  if (!ReadItemsFile(item, definitions, &list)) return;
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
