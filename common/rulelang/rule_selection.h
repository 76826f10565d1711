// SPDX-License-Identifier: Apache-2.0
// Which of the loaded rules are active, as settings say it: each selection in turn enables or
// disables the rules that it names, whatever their `enabled` says. As Falco's `rules:`.
//
//   disable:rule:*                   all rules; '*' stands for any text
//   enable:tag:mitre_execution       those with the tag
//
// Threads: thread-compatible functions.
#ifndef VAKT_COMMON_RULELANG_RULE_SELECTION_H_
#define VAKT_COMMON_RULELANG_RULE_SELECTION_H_

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace vakt {

struct RuleSelection {
  bool enable = false;
  bool by_tag = false;
  std::string name;  // a tag, or a rule's name with '*'
};

// InvalidArgument: not of the form above.
absl::StatusOr<std::vector<RuleSelection>> ParseRuleSelections(absl::Span<const std::string> texts);

bool Selects(const RuleSelection& selection, std::string_view rule,
             const std::set<std::string>& tags);

// Whether the rule is active: by the last selection that names it, or else as its file says.
bool IsSelected(absl::Span<const RuleSelection> selections, std::string_view rule,
                const std::set<std::string>& tags, bool enabled);

}  // namespace vakt

#endif  // VAKT_COMMON_RULELANG_RULE_SELECTION_H_
