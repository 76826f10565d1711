// SPDX-License-Identifier: Apache-2.0
// Who names whom: finds macros that do not exist or that name themselves in a circle, and marks
// lists and macros that are used.
//
// Threads: thread-compatible functions.
#ifndef VAKT_COMMON_RULELANG_REFERENCES_H_
#define VAKT_COMMON_RULELANG_REFERENCES_H_

#include "common/rulelang/ast.h"
#include "common/rulelang/definitions.h"
#include "common/rulelang/diagnostics.h"

namespace vakt {

// Checks all macros, whose `ast` is set where it could be parsed. Errors are the macros' own.
void CheckMacroReferences(Definitions* definitions, Diagnostics* diagnostics);

// Checks a rule's condition. False after an error.
bool CheckRuleReferences(const Ast& condition, const RuleDefinition& rule, Definitions* definitions,
                         Diagnostics* diagnostics);

// Marks lists that other lists name, then warns of what no rule, macro or list names.
void WarnOfUnused(Definitions* definitions, Diagnostics* diagnostics);

}  // namespace vakt

#endif  // VAKT_COMMON_RULELANG_REFERENCES_H_
