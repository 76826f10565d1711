// SPDX-License-Identifier: Apache-2.0
// Lists, macros and rules as the files define them, after appends and overrides, before anything is
// resolved. The reading phase of loading fills the tables, the compiling phase consumes them.
//
// Ownership: owns everything. Threads: thread-compatible.
#ifndef VAKT_COMMON_RULELANG_DEFINITIONS_H_
#define VAKT_COMMON_RULELANG_DEFINITIONS_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/strings.h"
#include "common/rulelang/ast.h"
#include "common/rulelang/item_set.h"
#include "common/rulelang/output_additions.h"
#include "common/rulelang/rule_extras.h"
#include "common/rulelang/source_position.h"
#include "common/rulelang/source_text.h"

namespace vakt {

struct Definition {
  std::string name;
  SourcePosition position;  // of the first definition
  // Ordinals over all items. `defined` is that of the first definition; `visible` that of the
  // newest change. A macro sees the macros that were first defined before its newest change.
  uint32_t defined = 0;
  uint32_t visible = 0;
  bool used = false;
};

struct ListDefinition : Definition {
  std::vector<AstValue> items;
};

// What lists take from files of their own (items_file).
struct ItemFiles {
  struct Entry {
    std::string path;
    std::string hash;  // of its contents
    ItemSet::File file;
  };
  std::vector<Entry> entries;
};

struct MacroDefinition : Definition {
  SourceText condition;
  std::unique_ptr<Ast> ast;  // set by the compiling phase
};

struct ExceptionDefinition {
  std::string name;
  SourcePosition position;
  bool one_field = false;                        // fields is a scalar: values is a flat list
  std::vector<std::string> fields;               // fields or transformer calls
  std::vector<std::string> comps;                // "=", "in", "contains anyof"; as many as fields
  std::vector<std::vector<std::string>> values;  // tuples (one_field: of one) as in a condition
};

struct ThrottleDefinition {
  SourcePosition position;
  uint32_t alerts = 1;
  uint64_t per_ns = 0;
  std::vector<std::string> by;
};

struct CorrelateDefinition {
  SourcePosition position;
  uint32_t count = 1;
  uint64_t within_ns = 0;
  std::vector<std::string> by;
  std::vector<SourceText> then;
};

struct RuleExtras {
  Attack attack;
  std::vector<Control> controls;
  std::string runbook;
  std::optional<ThrottleDefinition> throttle;
  std::optional<CorrelateDefinition> correlate;
};

struct RuleDefinition : Definition {
  std::string desc;
  SourceText condition;
  std::string output;
  SourcePosition output_position;
  int priority = 7;
  std::string source = "syscall";
  std::set<std::string> tags;
  std::vector<ExceptionDefinition> exceptions;
  bool enabled = true;
  bool warn_evttypes = true;
  bool skip_if_unknown_filter = false;
  bool unknown_source = false;
  RuleExtras extras;
};

// Definitions of one kind by name, in the order of their first definition.
template <typename T>
class DefinitionTable {
 public:
  T* Find(std::string_view name) {
    const auto found = index_.find(name);
    return found == index_.end() ? nullptr : entries_[found->second].get();
  }
  // Adds it, or replaces what has its name but keeps that one's place.
  void Put(T definition, uint32_t ordinal) {
    definition.defined = definition.visible = ordinal;
    if (T* existing = Find(definition.name)) {
      definition.defined = existing->defined;
      definition.position = existing->position;
      *existing = std::move(definition);
      return;
    }
    index_.emplace(definition.name, entries_.size());
    entries_.push_back(std::make_unique<T>(std::move(definition)));
  }
  const std::vector<std::unique_ptr<T>>& entries() const { return entries_; }

 private:
  std::vector<std::unique_ptr<T>> entries_;
  StringMap<size_t> index_;
};

struct Definitions {
  DefinitionTable<ListDefinition> lists;
  DefinitionTable<MacroDefinition> macros;
  DefinitionTable<RuleDefinition> rules;
  uint32_t last_ordinal = 0;
  std::vector<std::string> paths;  // of the files, by number; empty: there are none to read beside
  ItemFiles item_files;
  // Not from rule files: of LoadOptions.
  StaticFields static_fields;
  std::vector<OutputAddition> additions;
};

}  // namespace vakt

#endif  // VAKT_COMMON_RULELANG_DEFINITIONS_H_
