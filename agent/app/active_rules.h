// SPDX-License-Identifier: Apache-2.0
// Rule files, read and compiled: what the agent starts with and what a reload replaces.
//
// Threads: thread-safe function; the matcher belongs to the pipeline thread once it has it.
#ifndef VAKT_AGENT_APP_ACTIVE_RULES_H_
#define VAKT_AGENT_APP_ACTIVE_RULES_H_

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/match/matcher.h"
#include "agent/match/prefilter.h"
#include "common/rulelang/output_additions.h"
#include "common/rulelang/rule_selection.h"
#include "common/rulelang/rule_set.h"

namespace vakt {

// Where rules come from and which of them count.
struct RuleSource {
  std::vector<std::string> paths;
  MatchMode match_mode = MatchMode::kFirst;
  int priority_floor = 7;
  std::vector<RuleSelection> selections;
  StaticFields static_fields;
  std::vector<OutputAddition> additions;
};

struct ActiveRules {
  std::shared_ptr<const RuleSet> rules;
  std::unique_ptr<Matcher> matcher;
  std::unique_ptr<Prefilter> prefilter;
  std::string summary;  // "93 from 2 files, 4 warnings"
};

// InvalidArgument names the first error in the files and how many more there are. *item_files, when
// it is not null, becomes the files that lists take items from, also after an error.
absl::StatusOr<ActiveRules> CompileRuleFiles(const RuleSource& source,
                                             std::vector<std::string>* item_files = nullptr);

}  // namespace vakt

#endif  // VAKT_AGENT_APP_ACTIVE_RULES_H_
