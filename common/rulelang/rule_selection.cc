// SPDX-License-Identifier: Apache-2.0
#include "common/rulelang/rule_selection.h"

#include "common/base/strings.h"
#include "common/base/text.h"
#include "common/rulelang/text_match.h"

namespace vakt {
namespace {

bool TakePrefix(std::string_view prefix, std::string_view* text) {
  if (!text->starts_with(prefix)) return false;
  text->remove_prefix(prefix.size());
  return true;
}

// Of what globs know only '*' is special: names of rules hold '?' and '['.
std::string AsGlob(std::string_view pattern) {
  std::string glob;
  for (const char c : pattern) {
    if (c == '?' || c == '[' || c == '\\') glob += '\\';
    glob += c;
  }
  return glob;
}

}  // namespace

absl::StatusOr<std::vector<RuleSelection>> ParseRuleSelections(
    absl::Span<const std::string> texts) {
  std::vector<RuleSelection> selections;
  for (const std::string& text : texts) {
    RuleSelection selection;
    std::string_view rest = text;
    selection.enable = TakePrefix("enable:", &rest);
    const bool has_verb = selection.enable || TakePrefix("disable:", &rest);
    selection.by_tag = TakePrefix("tag:", &rest);
    const bool has_kind = selection.by_tag || TakePrefix("rule:", &rest);
    if (!has_verb || !has_kind || rest.empty()) {
      return absl::InvalidArgumentError(
          StrCat("'", EscapeUtf8(text),
                 "' selects no rules: write enable:rule:NAME, disable:rule:NAME, enable:tag:TAG "
                 "or disable:tag:TAG; '*' in a NAME stands for any text"));
    }
    selection.name = std::string(rest);
    selections.push_back(std::move(selection));
  }
  return selections;
}

bool Selects(const RuleSelection& selection, std::string_view rule,
             const std::set<std::string>& tags) {
  if (selection.by_tag) return tags.contains(selection.name);
  return GlobMatch(AsGlob(selection.name), rule);
}

bool IsSelected(absl::Span<const RuleSelection> selections, std::string_view rule,
                const std::set<std::string>& tags, bool enabled) {
  for (const RuleSelection& selection : selections) {
    if (Selects(selection, rule, tags)) enabled = selection.enable;
  }
  return enabled;
}

}  // namespace vakt
