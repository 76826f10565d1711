// SPDX-License-Identifier: Apache-2.0
// Suggested policies as text. What comes from nodes is quoted, and in comments reduced to ASCII, so
// that it cannot end a comment. Threads: pure functions.
#ifndef VAKT_CLI_POLICY_TEXT_H_
#define VAKT_CLI_POLICY_TEXT_H_

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "cli/policy_draft.h"

namespace vakt {

// What all of them were made from.
struct PolicyOrigin {
  absl::Time since, until;
  uint64_t records = 0;
  std::string external_as;  // as the flag was given
};

// Documents of YAML, each with a comment that says what it was made from and what it leaves out.
std::string PoliciesYaml(const PolicyOrigin& origin, const std::vector<PolicyDraft>& drafts);
// A List on one line; the comments are annotations.
std::string PoliciesJson(const PolicyOrigin& origin, const std::vector<PolicyDraft>& drafts);

}  // namespace vakt

#endif  // VAKT_CLI_POLICY_TEXT_H_
