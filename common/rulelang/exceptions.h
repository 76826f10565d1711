// SPDX-License-Identifier: Apache-2.0
// Exceptions of rules: tuples of values under which a rule does not fire.
//
// Threads: thread-compatible functions.
#ifndef VAKT_COMMON_RULELANG_EXCEPTIONS_H_
#define VAKT_COMMON_RULELANG_EXCEPTIONS_H_

#include <string>
#include <vector>

#include "common/rulelang/definitions.h"
#include "common/rulelang/item_reader.h"

namespace vakt {

// Reads the item's `exceptions` into *exceptions, which holds those of earlier definitions when
// `change` is kAppend. False after an error.
bool ReadExceptions(const ItemReader& item, Change change,
                    std::vector<ExceptionDefinition>* exceptions);

// The condition under which the exception applies, "" when it has no values.
std::string ExceptionCondition(const ExceptionDefinition& exception);

}  // namespace vakt

#endif  // VAKT_COMMON_RULELANG_EXCEPTIONS_H_
