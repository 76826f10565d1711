// SPDX-License-Identifier: Apache-2.0
// Rules for the verbs that run them. Threads: thread-compatible function.
#ifndef VAKT_CLI_LOAD_RULE_SET_H_
#define VAKT_CLI_LOAD_RULE_SET_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "common/rulelang/rule_set.h"

namespace vakt {

// Loads the files and directories, in order, as one set. An error is the first one that the rules
// have, with its place; `vaktctl rules check` shows all.
absl::StatusOr<std::shared_ptr<const RuleSet>> LoadRuleSet(absl::Span<const std::string> paths);

}  // namespace vakt

#endif  // VAKT_CLI_LOAD_RULE_SET_H_
