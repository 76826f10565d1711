// SPDX-License-Identifier: Apache-2.0
// Binds what our keys name: fields to rows, so that a rule of the rule set can be told apart from
// its like after a reload.
//
// Threads: thread-compatible functions.
#ifndef VAKT_COMMON_RULELANG_COMPILE_EXTRAS_H_
#define VAKT_COMMON_RULELANG_COMPILE_EXTRAS_H_

#include <string>

#include "absl/types/span.h"
#include "common/rulelang/definitions.h"
#include "common/rulelang/diagnostics.h"
#include "common/rulelang/rule_set.h"

namespace vakt {

// Sets the rule's attack, controls, runbook, throttle and correlate. False after an error.
bool CompileExtras(const RuleDefinition& definition, Diagnostics* diagnostics, Rule* rule);

// What the state of a rule with throttle or correlate depends on: `rules` are the rule and its
// steps.
std::string StateHash(absl::Span<const Rule> rules);

}  // namespace vakt

#endif  // VAKT_COMMON_RULELANG_COMPILE_EXTRAS_H_
