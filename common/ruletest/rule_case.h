// SPDX-License-Identifier: Apache-2.0
// Tests of rules: a few events in compact form, and whether a rule fires on the last of them.
// Format: docs/formats/rule_test.md. The text is untrusted, as rule files are.
//
//   VAKT_ASSIGN_OR_RETURN(std::vector<RuleCase> cases, ParseRuleTests("shell.test.yaml", text));
//   for (const RuleCase& c : cases) ...  // run c.events through a pipeline, look at the last one
//
// Threads: pure functions.
#ifndef VAKT_COMMON_RULETEST_RULE_CASE_H_
#define VAKT_COMMON_RULETEST_RULE_CASE_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "vakt/v1/event.pb.h"

namespace vakt {

struct RuleCase {
  std::string path;  // of the test file
  int line = 0;      // in it
  std::string rule;
  std::string name;  // what the case shows
  bool expect_fire = false;
  std::vector<v1::Event> events;  // the last one is judged
};

// InvalidArgument "<path>:<line>: what is wrong and what is allowed".
absl::StatusOr<std::vector<RuleCase>> ParseRuleTests(std::string_view path, std::string_view yaml);

}  // namespace vakt

#endif  // VAKT_COMMON_RULETEST_RULE_CASE_H_
