// SPDX-License-Identifier: Apache-2.0
#include "common/rulelang/references.h"

#include <functional>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "common/base/strings.h"

namespace vakt {
namespace {

constexpr std::string_view kMacro = "macro";

// Calls `visit` for each node, without recursion.
void ForEachNode(const Ast& root, const std::function<void(const Ast&)>& visit) {
  std::vector<const Ast*> open = {&root};
  while (!open.empty()) {
    const Ast& node = *open.back();
    open.pop_back();
    visit(node);
    for (const auto& child : node.children) open.push_back(child.get());
  }
}

void MarkLists(const AstCheck& check, Definitions* definitions) {
  for (const AstValue& value : check.values) {
    if (value.quoted) continue;
    if (ListDefinition* list = definitions->lists.Find(value.text)) list->used = true;
  }
}

// Marks what `ast` names. Reports macros that do not exist, or that were first defined at `visible`
// or later.
bool CheckNames(const Ast& ast, ItemLabel label, uint32_t visible, Definitions* definitions,
                Diagnostics* diagnostics) {
  bool ok = true;
  ForEachNode(ast, [&](const Ast& node) {
    if (node.kind == Ast::Kind::kCheck) MarkLists(*node.check, definitions);
    if (node.kind != Ast::Kind::kMacro) return;
    MacroDefinition* macro = definitions->macros.Find(node.macro);
    if (macro != nullptr && macro->defined < visible) {
      macro->used = true;
      return;
    }
    ok = false;
    diagnostics->Error(kErrValidate, label, node.position,
                       macro == nullptr ? StrCat("there is no macro ", node.macro)
                                        : StrCat("the macro ", node.macro,
                                                 " is defined only further down; move it up"));
  });
  return ok;
}

// Depth-first search over "names", without recursion: macros may be nested as deep as they like.
class LoopSearch {
 public:
  LoopSearch(Definitions* definitions, Diagnostics* diagnostics)
      : definitions_(definitions), diagnostics_(diagnostics) {}

  void Run() {
    for (const auto& macro : definitions_->macros.entries()) {
      if (state_[macro.get()] == State::kNew) Visit(macro.get());
    }
  }

 private:
  enum class State { kNew, kOpen, kDone };
  struct Step {
    MacroDefinition* macro;
    std::vector<MacroDefinition*> names;
    size_t next = 0;
  };

  Step Enter(MacroDefinition* macro) {
    state_[macro] = State::kOpen;
    Step step{macro, {}, 0};
    if (macro->ast == nullptr) return step;
    ForEachNode(*macro->ast, [&](const Ast& node) {
      if (node.kind != Ast::Kind::kMacro) return;
      if (MacroDefinition* named = definitions_->macros.Find(node.macro)) {
        step.names.push_back(named);
      }
    });
    return step;
  }

  void Visit(MacroDefinition* first) {
    std::vector<Step> path;
    path.push_back(Enter(first));
    while (!path.empty()) {
      Step& step = path.back();
      if (step.next == step.names.size()) {
        state_[step.macro] = State::kDone;
        path.pop_back();
        continue;
      }
      MacroDefinition* named = step.names[step.next++];
      if (state_[named] == State::kNew) {
        path.push_back(Enter(named));
      } else if (state_[named] == State::kOpen) {
        diagnostics_->Error(kErrValidate, {kMacro, step.macro->name}, step.macro->position,
                            StrCat("reference loop in macro: ", step.macro->name, " and ",
                                   named->name, " name each other"));
      }
    }
  }

  Definitions* definitions_;
  Diagnostics* diagnostics_;
  absl::flat_hash_map<const MacroDefinition*, State> state_;
};

}  // namespace

void CheckMacroReferences(Definitions* definitions, Diagnostics* diagnostics) {
  for (const auto& macro : definitions->macros.entries()) {
    if (macro->ast == nullptr) continue;
    CheckNames(*macro->ast, {kMacro, macro->name}, macro->visible, definitions, diagnostics);
  }
  LoopSearch(definitions, diagnostics).Run();
}

bool CheckRuleReferences(const Ast& condition, const RuleDefinition& rule, Definitions* definitions,
                         Diagnostics* diagnostics) {
  return CheckNames(condition, {"rule", rule.name}, definitions->last_ordinal + 1, definitions,
                    diagnostics);
}

void WarnOfUnused(Definitions* definitions, Diagnostics* diagnostics) {
  for (const auto& list : definitions->lists.entries()) {
    for (const AstValue& item : list->items) {
      ListDefinition* named = item.quoted ? nullptr : definitions->lists.Find(item.text);
      if (named != nullptr && named != list.get()) named->used = true;
    }
  }
  for (const auto& list : definitions->lists.entries()) {
    if (list->used) continue;
    diagnostics->Warning(kUnusedList, {"list", list->name}, list->position,
                         "no rule, macro or list uses it");
  }
  for (const auto& macro : definitions->macros.entries()) {
    if (macro->used) continue;
    diagnostics->Warning(kUnusedMacro, {kMacro, macro->name}, macro->position,
                         "no rule or macro uses it");
  }
}

}  // namespace vakt
