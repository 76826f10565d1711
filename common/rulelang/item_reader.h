// SPDX-License-Identifier: Apache-2.0
// Typed access to the keys of one item (a YAML mapping) of a rule file. What is wrong with a key
// becomes an error of the item.
//
// Ownership: borrows the node, the file and the diagnostics. Threads: thread-compatible.
#ifndef VAKT_COMMON_RULELANG_ITEM_READER_H_
#define VAKT_COMMON_RULELANG_ITEM_READER_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/types/span.h"
#include "common/rulelang/definitions.h"
#include "common/rulelang/diagnostics.h"
#include "common/rulelang/source_text.h"
#include "common/rulelang/yaml_reader.h"

namespace vakt {

class ItemReader {
 public:
  // `kind` is also the key that holds the item's name.
  ItemReader(const YamlNode& node, std::string_view kind, const SourceFile& file,
             Diagnostics* diagnostics);

  const std::string& name() const { return name_; }
  ItemLabel label() const { return {kind_, name_}; }
  SourcePosition position() const { return PositionOf(node_); }
  SourcePosition PositionOf(const YamlNode& node) const;
  bool Has(std::string_view key) const { return node_.Find(key) != nullptr; }
  const YamlNode* Find(std::string_view key) const { return node_.Find(key); }

  // Always false, so that a reader can return it.
  bool Error(const YamlNode& at, std::string message) const;
  // The same, for an item that is well-formed and does not fit what is defined elsewhere: earlier
  // in the files, or in the engine.
  bool Conflict(const YamlNode& at, std::string message) const;
  void Warning(std::string_view code, const YamlNode& at, std::string message) const;
  const YamlNode& node() const { return node_; }

  // The name must be there and not be empty.
  bool ReadName();
  // These leave *out alone when the key is absent, and return false, with an error, when it holds
  // something else than they read.
  bool Text(std::string_view key, std::string* out) const;
  bool Condition(std::string_view key, SourceText* out) const;
  // A scalar that is a condition or a part of one.
  SourceText TextAt(const YamlNode& scalar) const;
  bool Flag(std::string_view key, bool* out) const;
  bool Texts(std::string_view key, std::vector<std::string>* out) const;

  void WarnOfKeysNotIn(absl::Span<const std::string_view> known) const;

 private:
  const YamlNode& node_;
  std::string_view kind_;
  const SourceFile& file_;
  Diagnostics* diagnostics_;
  std::string name_;
};

// What one item asks of an earlier definition.
enum class Change : uint8_t { kDefine, kAppend, kReplace };

// One row per key that `override` may name.
struct OverrideRow {
  std::string_view key;
  bool may_append;
};

struct OverrideEntry {
  std::string_view key;
  Change change;
};

// Reads `override`; the item must have exactly those of the rows' keys that it names.
bool ReadOverride(const ItemReader& item, absl::Span<const OverrideRow> rows,
                  std::vector<OverrideEntry>* entries);

// A list's item, or a value of an exception, as it would be pasted into a condition: quoted when it
// holds blanks or other characters that end a bare word.
std::string AsConditionText(std::string_view text);

}  // namespace vakt

#endif  // VAKT_COMMON_RULELANG_ITEM_READER_H_
