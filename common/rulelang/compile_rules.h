// SPDX-License-Identifier: Apache-2.0
// The compiling phase: tables of definitions to rules.
//
// Threads: thread-compatible.
#ifndef VAKT_COMMON_RULELANG_COMPILE_RULES_H_
#define VAKT_COMMON_RULELANG_COMPILE_RULES_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "common/rulelang/definitions.h"
#include "common/rulelang/diagnostics.h"
#include "common/rulelang/load.h"
#include "common/rulelang/rule_set.h"

namespace vakt {

// The rules that are enabled and could be compiled, in the order of their first definition. Rules
// that are switched off are checked all the same.
std::vector<Rule> CompileRules(Definitions* definitions, absl::Span<const RuleFile> files,
                               absl::Span<const RuleSelection> selections,
                               Diagnostics* diagnostics);

// A condition on its own. Null after an error.
std::unique_ptr<Expr> CompileCondition(const SourceText& condition, Definitions* definitions,
                                       Diagnostics* diagnostics);

}  // namespace vakt

#endif  // VAKT_COMMON_RULELANG_COMPILE_RULES_H_
